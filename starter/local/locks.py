"""Locks of what only one process may use at once: a folder of dev or demo, and ports that are taken soon."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from slotsync.errors import WrongState
from slotsync.private_files import make_private_folder

_MAX_HOLDER_LENGTH: Final = 200

_CLAIMS = list[int]()
"""The open files of the ports that this process has claimed, until it ends."""


@dataclass(frozen=True)
class FolderLock:
    """The lock of a folder, in which the process that has it is named."""

    file: int

    def name_holder(self, address: str = "") -> None:
        """Write which process has the lock, and at which address it answers, for those that are refused."""
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, f"process {os.getpid()}{f', at {address}' if address else ''}".encode(), 0)


@contextmanager
def locked_folder(folder: Path) -> Iterator[FolderLock]:
    """Keep the folder for this process until the block ends. The lock is a file beside it, and ends with the process.

    Raises:
        WrongState: another process uses it; the message names that one.
    """
    make_private_folder(folder.parent)
    file = folder.with_name(f"{folder.name}.lock")
    opened = _lock(file)
    if opened is None:
        holder = file.read_text(errors="replace")[:_MAX_HOLDER_LENGTH] or "another process"
        raise WrongState(f"{folder} is in use by {holder}: end that first, or work in another folder")
    try:
        lock = FolderLock(opened)
        lock.name_holder()
        yield lock
    finally:
        os.ftruncate(opened, 0)
        os.close(opened)


def claim_port(port: int) -> bool:
    """Return whether no other process of this user has claimed the port; then it is this one's until it ends.

    False also where claims cannot be kept: somebody else has put something in their place.
    """
    folder = Path(gettempdir()) / f"slotsync-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        claim = _lock(folder / f"port-{port}") if (found.st_uid, found.st_mode & 0o077) == (os.getuid(), 0) else None
    except OSError:
        return False
    if claim is None:
        return False
    _CLAIMS.append(claim)
    return True


def _lock(file: Path) -> int | None:
    """Return the open file with its lock, or None if another process has it."""
    opened = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    return opened
