import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.sandbox.options import SandboxOptions
from slotsync.sandbox.server import RunningSandbox, running_sandbox
from slotsync.secrets import Vault
from tests.disasters.machine import Machine, world_on
from tests.disasters.machine import machine as build_machine
from tests.servers import flying_time, real_time
from tests.stories import OWNERS
from tests.world import World
from tests.world import world as build_world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
def google() -> Iterator[RunningSandbox]:
    with running_sandbox(SandboxOptions.unlimited()) as running:
        yield running


@pytest.fixture
async def world(google: RunningSandbox, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """A world in real time."""
    async with real_time(vault) as client, build_world(google, vault, client, tmp_path) as built:
        yield built


@pytest.fixture
async def fast_world(google: RunningSandbox, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """A world in which time flies."""
    async with flying_time(vault) as environment, build_world(google, vault, environment.client, tmp_path) as built:
        yield built


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
