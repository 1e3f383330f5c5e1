"""Run processes on this machine, and write the environment file that shells source."""

import asyncio
import fcntl
import os
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

from slotsync.errors import SlotsyncError
from slotsync.private_files import OWNER_ONLY, create_private_file, write_private_file


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Write the variables as lines that a shell can source, readable by the owner alone, because some are keys."""
    write_private_file(file, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))


STOP_TIMEOUT = timedelta(seconds=40)
START_TIMEOUT = timedelta(seconds=60)
CHECK_INTERVAL = timedelta(milliseconds=50)


def slotsync_command(*arguments: str) -> list[str]:
    """Return the command line of ``slotsync`` with these arguments."""
    return [sys.executable, "-m", "starter", *arguments]


@asynccontextmanager
async def running_process(
    name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command until the block ends; its output goes to a log file in the folder.

    What it creates its owner alone can read.
    """
    file = folder / f"{name}.log"
    create_private_file(file)
    with file.open("ab") as log:
        running = await asyncio.create_subprocess_exec(
            *command,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            umask=OWNER_ONLY,
            start_new_session=True,  # Ctrl-C reaches only this process, which stops the others in order
        )
    try:
        yield running
    finally:
        await _stop(running)


async def _stop(running: asyncio.subprocess.Process) -> None:
    if running.returncode is not None:
        return
    running.terminate()
    try:
        await asyncio.wait_for(running.wait(), STOP_TIMEOUT.total_seconds())
    except TimeoutError:
        running.kill()
        await running.wait()


async def wait_until_ready(
    name: str, ready: Callable[[], Awaitable[bool]], running: asyncio.subprocess.Process, folder: Path
) -> None:
    """Wait until a process answers.

    Raises:
        SlotsyncError: the process ended, or did not answer in time; the message names its log file.
    """
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT.total_seconds()
    while not await ready():
        log = folder / f"{name}.log"
        if running.returncode is not None:
            raise SlotsyncError(f"the {name} ended at once; the end of {log}:\n{_end_of(log)}")
        if asyncio.get_running_loop().time() > deadline:
            raise SlotsyncError(f"the {name} does not answer after {START_TIMEOUT.total_seconds():.0f} s; see {log}")
        await asyncio.sleep(CHECK_INTERVAL.total_seconds())


_CLAIMS = list[int]()
"""The open files of the ports that this process has claimed, until it ends."""


def free_port(preferred: int) -> int:
    """Return the preferred port of 127.0.0.1, or another free one if it is taken.

    Of several processes that ask at the same time, one gets it: what shall listen there takes seconds to start.

    Raises:
        SlotsyncError: there is no free port.
    """
    for port in (preferred, 0) if preferred and _claim(preferred) else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SlotsyncError("no free port on this machine")


def _claim(port: int) -> bool:
    """Return whether no other process of this user has claimed the port; then it is this one's."""
    file = Path(gettempdir()) / f"slotsync-{os.getuid()}-port-{port}"
    claim = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        return False
    _CLAIMS.append(claim)
    return True


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
