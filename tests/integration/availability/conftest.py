"""Merchants whose own calendars block their products, and a platform that hears of it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from localgoogle.server import RunningLocalGoogle
from slotsync.busy_times.poller import Poller
from slotsync.secrets import Vault
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.poller_harness import PollerHarness, running_poller_harness
from tests.support.temporal_servers import temporal_server
from tests.support.webhook_receiver import WebhookReceiver


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PollerHarness]:
    """A desk for all tests of a module, where it is the module's ``NOON``."""
    with running_poller_harness(tmp_path_factory.mktemp("desk"), request.module.NOON) as desk:
        yield desk


@pytest.fixture
def desk(running: PollerHarness, request: pytest.FixtureRequest) -> Iterator[PollerHarness]:
    running.clock.now = request.module.NOON
    yield running
    running.heal()


@pytest.fixture
def reader(desk: PollerHarness) -> Iterator[Poller]:
    with desk.reader() as reader:
        yield reader


@pytest.fixture
async def shop(
    google: RunningLocalGoogle, vault: Vault, platform: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A shop that polls every second and hears no push."""
    async with (
        temporal_server(vault) as client,
        open_availability_world(google, vault, client, platform, tmp_path) as built,
    ):
        yield built
