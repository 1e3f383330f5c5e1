"""Run processes on this machine, and write the environment file that shells source."""

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from slotsync.errors import SlotsyncError
from slotsync.private_files import OWNER_ONLY, create_private_file, write_private_file
from starter.local.locks import claim_port


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Write the variables as lines that a shell can source, readable by the owner alone, because some are keys."""
    write_private_file(file, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))


STOP_TIMEOUT = timedelta(seconds=40)
START_TIMEOUT = timedelta(seconds=60)
HOST = "127.0.0.1"
CHECK_INTERVAL = timedelta(milliseconds=50)


def slotsync_command(*arguments: str) -> list[str]:
    """Return the command line of ``slotsync`` with these arguments."""
    return [sys.executable, "-m", "starter", *arguments]


@asynccontextmanager
async def running_process(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    listener: socket.socket | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command until the block ends; its output goes to a log file in the folder.

    What it creates its owner alone can read. It inherits the ``listener`` under its number.
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
            pass_fds=[listener.fileno()] if listener else (),
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
    """Wait until a process answers. What answers after it has ended is another process.

    Raises:
        SlotsyncError: the process ended, or did not answer in time; the message names its log file.
    """
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT.total_seconds()
    log = folder / f"{name}.log"
    while not await ready() or running.returncode is not None:
        if running.returncode is not None:
            raise SlotsyncError(f"the {name} ended at once; the end of {log}:\n{_end_of(log)}")
        if asyncio.get_running_loop().time() > deadline:
            raise SlotsyncError(f"the {name} does not answer after {START_TIMEOUT.total_seconds():.0f} s; see {log}")
        await asyncio.sleep(CHECK_INTERVAL.total_seconds())


def free_port(preferred: int) -> int:
    """Return the preferred port of 127.0.0.1, or another free one if it is taken.

    Of several processes that ask at the same time, one gets it: what shall listen there takes seconds to start.

    Raises:
        SlotsyncError: there is no free port.
    """
    with _bind(preferred if preferred and claim_port(preferred) else 0) as probe:
        return get_port(probe)


def open_listener(preferred: int) -> socket.socket:
    """Return a socket that listens on the preferred port of 127.0.0.1, or on another one if it is taken.

    A process that gets it by ``running_process`` answers there, and nobody else can, from now on.

    Raises:
        SlotsyncError: there is no free port.
    """
    return _bind(preferred, listen=True)


def get_port(listener: socket.socket) -> int:
    """Return the port of the socket."""
    return int(listener.getsockname()[1])


def _bind(preferred: int, *, listen: bool = False) -> socket.socket:
    for port in (preferred, 0):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((HOST, port))
            if listen:
                bound.listen()
        except OSError:
            bound.close()
            continue
        return bound
    raise SlotsyncError("no free port on this machine")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
