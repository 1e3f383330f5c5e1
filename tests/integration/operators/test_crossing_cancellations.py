"""An operator's cancellation stops what was wanted before it, also what the workflow had not looked at yet."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowExecutionStatus

from localgoogle.server import RunningLocalGoogle
from slotsync.clock import utc_now
from slotsync.domain.sweep import SweepResult
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.secrets import Vault
from slotsync.temporal.signals import signal_connection
from starter.services.intent import IntentCount, IntentCounts
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.buttons import has_status
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.anyio

Step = Callable[[AvailabilityWorld], Awaitable[None]]


async def report(availability: AvailabilityWorld) -> None:
    await availability.world.slotsync.report(snapshot(2))


async def rename(availability: AvailabilityWorld) -> None:
    await availability.world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Midnight tour"))


async def connect(availability: AvailabilityWorld) -> None:
    await availability.world.connect()
    await signal_connection(availability.world.client, MERCHANT, "granted")


async def pick(availability: AvailabilityWorld) -> None:
    await availability.block(EMAIL, "holidays@group.calendar.google.com")


@dataclass(frozen=True)
class Crossing:
    """A workflow, and something that is wanted of it right before it is cancelled."""

    workflow_id: str
    want: Step


CROSSINGS = {
    "reservations": Crossing(reservation_id(MERCHANT, "R-1"), report),
    "calendars": Crossing(calendar_id(MERCHANT, TOUR), rename),
    "connections": Crossing(connection_id(MERCHANT), connect),
    "products": Crossing(availability_id(MERCHANT, TOUR.id), pick),
}


@pytest.fixture
async def running(
    local_google: RunningLocalGoogle, vault: Vault, webhooks: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A merchant with all its workflows, at rest, and no worker."""
    async with (
        running_temporal_server() as client,
        open_availability_world(local_google, vault, client, webhooks, tmp_path) as availability,
    ):
        world = availability.world
        async with world.working():
            await connect(availability)
            await availability.block(EMAIL)
            await world.slotsync.report(snapshot(1))
            await world.settled(1)

            async def all_run() -> bool:
                run = [await has_status(client, each.workflow_id, RUNNING) for each in CROSSINGS.values()]
                return all(run) and not any(each.overdue for each in counts(availability))

            await until(all_run)
        yield availability


RUNNING = WorkflowExecutionStatus.RUNNING
CANCELED = WorkflowExecutionStatus.CANCELED


def counts(availability: AvailabilityWorld) -> list[IntentCount]:
    """Return the counts of an hour from now: by then, all that is due now is overdue."""
    world = availability.world
    return IntentCounts(world.store, world.vault).get(utc_now() + timedelta(hours=1))


@pytest.mark.parametrize("kind", CROSSINGS)
async def test_what_was_wanted_before_a_cancellation_is_stopped_with_the_workflow(
    kind: str, running: AvailabilityWorld
) -> None:
    crossing, world = CROSSINGS[kind], running.world
    await crossing.want(running)
    await world.client.get_workflow_handle(crossing.workflow_id).cancel()
    async with world.working():
        await until(lambda: has_status(world.client, crossing.workflow_id, CANCELED))
        assert {each.kind: each.stopped for each in counts(running) if each.stopped} == {kind: 1}
        assert await sweep(world) == SweepResult()
        assert await has_status(world.client, crossing.workflow_id, CANCELED)
        assert await world.slotsync.resume(MERCHANT) == 1
        await until(lambda: has_status(world.client, crossing.workflow_id, RUNNING))
