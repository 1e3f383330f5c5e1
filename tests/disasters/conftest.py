from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.sandbox.options import SandboxOptions
from slotsync.sandbox.server import RunningSandbox, running_sandbox
from slotsync.secrets import Vault
from tests.servers import flying_time, real_time
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
