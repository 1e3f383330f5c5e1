import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.disasters.machine import Machine, world_on
from tests.disasters.machine import machine as build_machine
from tests.stories import OWNERS
from tests.world import World


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """Google, Temporal and the worker as processes, all running."""
    async with build_machine(tmp_path) as built:
        await asyncio.gather(built.google.start(), built.temporal.start())
        await built.worker.start()
        yield built


@pytest.fixture
async def town(machine: Machine) -> AsyncIterator[World]:
    """The world on that machine, with a shop that is open."""
    async with world_on(machine) as built:
        await built.open_shop(*OWNERS)
        yield built
