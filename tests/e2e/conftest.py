"""All parts as processes, and a browser."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.browser import CHROMIUM, QUIET
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
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    assert CHROMIUM, "CI has to have chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()
