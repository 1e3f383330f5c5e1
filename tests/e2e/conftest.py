"""All parts as processes, and a browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.support.browser import launched_chromium
from tests.support.machine import Machine, world_on
from tests.support.machine import machine as build_machine
from tests.support.stories import OWNERS
from tests.support.world import World


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """The local Google, Temporal and the worker as running processes."""
    async with build_machine(tmp_path, killed_at_end=True) as built:
        await asyncio.gather(built.google.start(), built.temporal.start())
        await built.worker.start()
        yield built


@pytest.fixture
async def machine_world(machine: Machine) -> AsyncIterator[World]:
    """The world on that machine, with a merchant that has products and resources."""
    async with world_on(machine) as built:
        await built.add_merchant(*OWNERS)
        yield built


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with launched_chromium() as browser:
        yield browser
