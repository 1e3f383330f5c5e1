"""Files that their owner alone can read, whatever the umask says: databases, logs, keys."""

import os
from pathlib import Path
from typing import Final

OWNER_ONLY: Final = 0o077
"""The umask of processes that create private files."""


def make_private_folder(folder: Path) -> None:
    """Create the folder, with those above it, and close it and what is in it already to everybody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for file in folder.iterdir():
        if file.is_file() and not file.is_symlink():
            file.chmod(0o600)


def create_private_file(file: Path) -> None:
    """Create an empty file if there is none; one that is there stays as it is."""
    file.touch(mode=0o600)


def write_private_file(file: Path, text: str) -> None:
    """Write the file anew, closed to everybody else before anything is in it."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
