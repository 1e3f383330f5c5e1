"""Worlds (a local Google, a store, Temporal, and slotsync's workers), and a receiver of Google's push messages."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from tests.support.push_receiver import PushReceiver
from tests.support.samples import TOUR
from tests.support.temporal_servers import TimeSkippingServer, running_temporal_server, running_time_skipping_server
from tests.support.two_calendars import BOAT
from tests.support.world import World
from tests.support.world import world as build_world


@pytest.fixture
def push_receiver() -> Iterator[PushReceiver]:
    receiver = PushReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
async def world(local_google: RunningLocalGoogle, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """A world in real time."""
    async with running_temporal_server() as client, build_world(local_google, vault, client, tmp_path) as built:
        yield built


@pytest.fixture
async def two_calendars(world: World) -> World:
    """A world in real time with a merchant that has a tour and a boat, each with a calendar once it is needed."""
    await world.add_merchant(TOUR, BOAT)
    return world


@pytest.fixture
async def time_skipping_server(vault: Vault) -> AsyncIterator[TimeSkippingServer]:
    """A Temporal server that can skip time."""
    async with running_time_skipping_server() as server:
        yield server


@pytest.fixture
def skipper(time_skipping_server: TimeSkippingServer) -> TimeSkipper:
    """Skips the time of a workflow of ``world_with_skipper``."""
    return time_skipping_server.skipper


@pytest.fixture
async def world_with_skipper(
    local_google: RunningLocalGoogle, vault: Vault, time_skipping_server: TimeSkippingServer, tmp_path: Path
) -> AsyncIterator[World]:
    """A world in which ``skipper`` can skip the time of any workflow."""
    async with build_world(local_google, vault, time_skipping_server.client, tmp_path) as built:
        yield built


@pytest.fixture
async def self_skipping_world(
    local_google: RunningLocalGoogle, vault: Vault, time_skipping_server: TimeSkippingServer, tmp_path: Path
) -> AsyncIterator[World]:
    """A world that skips the waits of every reservation; calendars keep real time."""
    async with build_world(
        local_google, vault, time_skipping_server.skipper.client, tmp_path, time_skipping_server.client
    ) as built:
        yield built
