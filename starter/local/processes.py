"""Processes on this machine, and the environment that shells source."""

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from slotsync.errors import SlotsyncError


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """Keeps the variables as lines that a shell can source, readable by their owner alone: keys are among them."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(lines))


STOPS_WITHIN = 40.0
STARTS_WITHIN = 60.0
LOOKS_EVERY = 0.05


def slotsync_command(*arguments: str) -> list[str]:
    """The command line of ``slotsync`` with these arguments."""
    return [sys.executable, "-m", "starter", *arguments]


@asynccontextmanager
async def process(
    name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """This command, until the block ends; what it prints goes to a log in the folder."""
    with (folder / f"{name}.log").open("ab") as log:
        running = await asyncio.create_subprocess_exec(
            *command,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # so that Ctrl-C reaches us alone, and parts end in order
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
        await asyncio.wait_for(running.wait(), STOPS_WITHIN)
    except TimeoutError:
        running.kill()
        await running.wait()


async def until_ready(
    name: str, ready: Callable[[], Awaitable[bool]], running: asyncio.subprocess.Process, folder: Path
) -> None:
    """Waits until a part answers; says where to look when it ends or takes too long."""
    deadline = asyncio.get_running_loop().time() + STARTS_WITHIN
    while not await ready():
        log = folder / f"{name}.log"
        if running.returncode is not None:
            raise SlotsyncError(f"the {name} ended at once; the end of {log}:\n{_end_of(log)}")
        if asyncio.get_running_loop().time() > deadline:
            raise SlotsyncError(f"the {name} does not answer after {STARTS_WITHIN:.0f} s; see {log}")
        await asyncio.sleep(LOOKS_EVERY)


def free_port(preferred: int) -> int:
    """This port of the machine itself, or another one when it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SlotsyncError("no free port on this machine")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
