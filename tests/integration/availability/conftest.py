"""Merchants with blocking calendars, and a platform that receives webhooks."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from localgoogle.server import RunningLocalGoogle
from slotsync.busy_times.poller import Poller
from slotsync.secrets import Vault
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.poller_harness import PollerHarness, running_poller_harness
from tests.support.temporal_servers import running_temporal_server
from tests.support.webhook_receiver import WebhookReceiver


@pytest.fixture(scope="module")
def module_poller_harness(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PollerHarness]:
    """A poller harness for all tests of a module; its clock shows the module's ``NOON``."""
    with running_poller_harness(tmp_path_factory.mktemp("poller"), request.module.NOON) as poller_harness:
        yield poller_harness


@pytest.fixture
def poller_harness(module_poller_harness: PollerHarness, request: pytest.FixtureRequest) -> Iterator[PollerHarness]:
    module_poller_harness.clock.now = request.module.NOON
    yield module_poller_harness
    module_poller_harness.heal()


@pytest.fixture
def poller(poller_harness: PollerHarness) -> Iterator[Poller]:
    with poller_harness.poller() as poller:
        yield poller


@pytest.fixture
async def availability(
    local_google: RunningLocalGoogle, vault: Vault, webhooks: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A merchant that is polled every second, without push."""
    async with (
        running_temporal_server() as client,
        open_availability_world(local_google, vault, client, webhooks, tmp_path) as built,
    ):
        yield built
