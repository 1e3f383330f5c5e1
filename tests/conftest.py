"""What most tests stand on: a local Google, Temporal, and a world of both with slotsync in it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from temporalio.testing import TimeSkipper

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.secrets import Vault
from tests.servers import FlyingTime, flying_time, real_time
from tests.world import World
from tests.world import world as build_world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])


@pytest.fixture
def google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture
async def world(google: RunningLocalGoogle, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """A world in real time."""
    async with real_time(vault) as client, build_world(google, vault, client, tmp_path) as built:
        yield built


@pytest.fixture
async def flying(vault: Vault) -> AsyncIterator[FlyingTime]:
    """A Temporal server on which time can fly."""
    async with flying_time(vault) as server:
        yield server


@pytest.fixture
def skipper(flying: FlyingTime) -> TimeSkipper:
    """Flies a workflow of the ``skipping_world`` to a time."""
    return flying.skipper


@pytest.fixture
async def skipping_world(
    google: RunningLocalGoogle, vault: Vault, flying: FlyingTime, tmp_path: Path
) -> AsyncIterator[World]:
    """A world in which ``flying.skipper`` can fly any workflow to a time."""
    async with build_world(google, vault, flying.client, tmp_path) as built:
        yield built


@pytest.fixture
async def flying_world(
    google: RunningLocalGoogle, vault: Vault, flying: FlyingTime, tmp_path: Path
) -> AsyncIterator[World]:
    """A world in which the time of every reservation flies whenever it waits; calendars live in real time."""
    async with build_world(google, vault, flying.skipper.client, tmp_path, flying.client) as built:
        yield built
