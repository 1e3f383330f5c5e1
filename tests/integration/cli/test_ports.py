"""Ports for what ``slotsync dev`` and ``slotsync demo`` run."""

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from slotsync.errors import SlotsyncError
from starter.local.locks import locked_folder
from starter.local.processes import (
    HOST,
    free_port,
    get_port,
    open_listener,
    running_process,
    slotsync_command,
    wait_until_ready,
)

ASK = """
import sys
from starter.local.processes import free_port
print(free_port(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of temporary files, which is read anew, here too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def preferred() -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return get_port(probe)


@pytest.mark.parametrize("obstacle", ["directory", "link"])
def test_where_something_else_is_in_the_place_of_a_claim_another_port_is_chosen(
    temporary: Path, preferred: int, obstacle: str
) -> None:
    folder = temporary / f"slotsync-{os.getuid()}"
    folder.mkdir(mode=0o700)
    claim = folder / f"port-{preferred}"
    if obstacle == "directory":
        claim.mkdir()
    else:
        claim.symlink_to("/etc/hostname")
    assert free_port(preferred) != preferred


@pytest.mark.parametrize("obstacle", ["file", "link", "open folder"])
def test_claims_are_kept_in_a_private_folder_only(temporary: Path, preferred: int, obstacle: str) -> None:
    folder = temporary / f"slotsync-{os.getuid()}"
    if obstacle == "open folder":
        folder.mkdir()
        folder.chmod(0o777)
    elif obstacle == "link":
        (temporary / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(temporary / "elsewhere")
    else:
        folder.touch()
    assert free_port(preferred) != preferred


def test_a_port_is_taken_as_soon_as_its_listener_is_open(preferred: int) -> None:
    with closing(open_listener(preferred)) as first, closing(open_listener(preferred)) as second:
        assert get_port(first) == preferred
        assert get_port(second) != preferred


@pytest.mark.anyio
async def test_a_process_answers_on_the_listener_that_it_inherits(tmp_path: Path, preferred: int) -> None:
    with closing(open_listener(preferred)) as listener:
        options = ("--port", str(get_port(listener)), "--fd", str(listener.fileno()))
        command = slotsync_command("sandbox", *options)
        async with running_process("google", command, folder=tmp_path, listener=listener) as running:
            async with httpx.AsyncClient() as http:
                answer = await http.get(f"http://{HOST}:{get_port(listener)}/sandbox/accounts", timeout=60)
            assert answer.is_success
        assert running.returncode == 0


@pytest.mark.anyio
async def test_what_answers_in_the_place_of_a_process_that_has_ended_is_not_taken_for_it(tmp_path: Path) -> None:
    async def ready() -> bool:
        await running.wait()
        return True

    async with running_process("api", [sys.executable, "-c", "print('taken')"], folder=tmp_path) as running:
        with pytest.raises(SlotsyncError, match=r"(?s)the api ended at once.*taken"):
            await wait_until_ready("api", ready, running, tmp_path)


@pytest.mark.parametrize("command", ["dev", "demo"])
def test_a_second_one_in_the_same_folder_is_refused_and_told_of_the_first_ones_process_and_address(
    tmp_path: Path, command: str
) -> None:
    folder = tmp_path / ".slotsync" / command
    with locked_folder(folder) as lock:
        folder.mkdir()
        lock.name_holder("http://127.0.0.1:8080")
        second = subprocess.run(
            slotsync_command(command), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode == 5, second.stderr
        (line,) = second.stderr.splitlines()
        assert f"process {os.getpid()}, at http://127.0.0.1:8080" in line
        assert folder.exists(), "its state is left alone"
        assert list(folder.iterdir()) == []
    with locked_folder(folder):
        assert folder.exists()


@pytest.mark.usefixtures("temporary")
def test_of_two_processes_that_want_a_port_before_anything_listens_there_one_gets_it(
    preferred: int,
) -> None:
    ask = [sys.executable, "-c", ASK, str(preferred)]
    with subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert int(other.stdout.readline()) == preferred
        assert free_port(preferred) != preferred
        other.communicate("")
    assert free_port(preferred) == preferred
