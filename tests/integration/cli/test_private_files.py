"""What the parts of dev and demo write on a machine, other users of the machine cannot read."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from slotsync.private_files import make_private_folder
from starter.local.processes import running_process

pytestmark = pytest.mark.anyio


async def test_what_a_part_of_dev_writes_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    before = os.umask(0o022)
    try:
        make_private_folder(folder)
        write = f"import pathlib; pathlib.Path({str(folder)!r}, 'temporal.db').touch(); print('token')"
        async with running_process("temporal", [sys.executable, "-c", write], folder=folder) as running:
            await asyncio.wait_for(running.wait(), 20)
    finally:
        os.umask(before)
    found = {each.name: each.stat().st_mode & 0o777 for each in (folder, *folder.iterdir())}
    assert found == {"dev": 0o700, "temporal.db": 0o600, "temporal.log": 0o600}
