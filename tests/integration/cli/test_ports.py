"""Ports for what ``slotsync dev`` and ``slotsync demo`` run."""

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from starter.local.processes import free_port

ASK = """
import sys
from starter.local.processes import free_port
print(free_port(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_of_two_processes_that_want_a_port_before_anything_listens_there_one_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # read anew, here too
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        preferred = probe.getsockname()[1]
    ask = [sys.executable, "-c", ASK, str(preferred)]
    with subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert int(other.stdout.readline()) == preferred
        assert free_port(preferred) != preferred
        other.communicate("")
    assert free_port(preferred) == preferred
