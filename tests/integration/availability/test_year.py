"""A year of one product: real parts on a clock that the test sets, and on Temporal's time-skipping server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.worker import Worker

from activities.bootstrap import availability_activities
from activities.signals import SubscriberSignals
from activities.webhooks import WebhookActivities
from localgoogle.server import RunningLocalGoogle
from slotsync.busy_times.product_availability import ProductStates
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.changes import changed_intervals, slots_within
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.workflow_ids import availability_id
from slotsync.google.service import GoogleServices
from slotsync.secrets import Vault
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.connections.connections import Connections
from slotsync.temporal import queues
from tests.support.availability_listener import LISTENER, listening, received_by
from tests.support.availability_webhooks import HOUR, TOMORROW, received_messages, until_received
from tests.support.availability_world import open_availability_world
from tests.support.clocks import SettableClock
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.temporal_servers import TimeSkippingServer, running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.world import World
from workflows.availability import ProductAvailabilityWorkflow

pytestmark = pytest.mark.anyio

HOME = ZoneInfo("Europe/Helsinki")
STEP = timedelta(days=14)
EVERY_WEEK = {
    "summary": "Choir",
    "start": {"dateTime": "2026-11-25T18:00:00", "timeZone": "Europe/Helsinki"},
    "end": {"dateTime": "2026-11-25T19:00:00", "timeZone": "Europe/Helsinki"},
    "recurrence": ["RRULE:FREQ=WEEKLY"],
}
CHOIR = time(18)


@asynccontextmanager
async def working_by(clock: SettableClock, world: World) -> AsyncIterator[None]:
    """Run workers with this clock."""
    connections = Connections(world.store, world.vault, clock)
    notes = ConnectionHealth(connections, world.client, asyncio.get_running_loop(), clock)
    async with AsyncExitStack() as stack:
        services = stack.enter_context(closing(GoogleServices(world.settings, connections)))
        parts = availability_activities(world.settings, world.store, world.vault, services, notes, clock)
        does = stack.enter_context(parts)
        tells = await stack.enter_async_context(aclosing(WebhookActivities(world.settings, world.store, world.vault)))
        workflows = [ProductAvailabilityWorkflow]
        threads = stack.enter_context(ThreadPoolExecutor(4))
        activities: list[Callable[..., object]] = [
            does.publish_availability,
            does.watch_busy,
            SubscriberSignals(world.client, world.store).signal_subscribers,
            tells.deliver_webhook,
        ]
        for queue in (queues.WORKFLOWS, queues.LONG):
            worker = Worker(
                world.client, task_queue=queue, workflows=workflows, activities=activities, activity_executor=threads
            )
            await stack.enter_async_context(worker)
        yield


def choirs(now: datetime, days: int) -> list[datetime]:
    """Return the starts of the weekly choir, in the local time of its zone."""
    dates = (now.astimezone(HOME).date() + timedelta(days=day) for day in range(days + 1))
    starts = (datetime.combine(date, CHOIR, HOME).astimezone(UTC) for date in dates if date.isoweekday() == 3)
    return [start for start in starts if now <= start < now + timedelta(days=days)]


async def test_a_year_goes_by_with_summer_time_a_moving_horizon_and_all_that_was_to_be_kept(
    local_google: RunningLocalGoogle, vault: Vault, webhooks: WebhookReceiver, tmp_path: Path
) -> None:
    clock = SettableClock(datetime(2026, 11, 22, 13, tzinfo=UTC))
    async with (
        running_temporal_server(long_history=100) as client,
        open_availability_world(local_google, vault, client, webhooks, tmp_path, horizon_days=90) as availability,
        working_by(clock, availability.world),
        listening(client) as listener,
    ):
        world = availability.world
        (
            await world.http.post(f"/sandbox/accounts/{EMAIL}/calendars/{EMAIL}/events", json=EVERY_WEEK)
        ).raise_for_status()
        await availability.block(EMAIL)
        handle = client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        await world.slotsync.subscribe(MERCHANT, TOUR.id, LISTENER)
        first = (await handle.describe()).run_id
        for _ in range(26):
            await seen(world, clock, choirs(clock.now, 89))
            clock.now += STEP
            notify(world, clock)
        await seen(world, clock, choirs(clock.now, 89))
        assert (await handle.describe()).run_id != first, "it has continued as new"
        key, published = (
            ProductKey(merchant=MERCHANT, product=TOUR.id),
            Publications(world.store, world.vault, webhooks=True),
        )

        async def all_is_told() -> bool:
            pending = published.get_pending(key)
            return (pending.messages, pending.subscribers) == (0, 0)

        await until(all_is_told)
        received = await received_by(listener)
    numbers = [int(str(each["number"])) for each in received_messages(availability)]
    assert numbers == sorted(set(numbers))
    assert [each.number for each in received][-1] == numbers[-1], "the subscription was kept"
    # A jump of the clock makes all readings stale at once. A busy machine may look at the product before they are
    # renewed: it then is unknown for a moment, and rightly published so.
    complete = [each for each in received_messages(availability) if each["complete"]]
    assert len(complete) <= 27, "only times that come into sight are published"


def notify(world: World, clock: SettableClock) -> None:
    """Wake the workers after the clock was set: they would wait in real time."""
    with world.store.write() as connection:
        mark_merchant_changed(connection, MERCHANT, clock.now)


async def seen(world: World, clock: SettableClock, starts: list[datetime]) -> None:
    """Wait until the product is known to be closed at these times and at no others, and that is published."""
    product_states = ProductStates(world.store, world.vault, world.settings.horizon)
    publications = Publications(world.store, world.vault, webhooks=True)
    whole = Interval(start=clock.now, end=clock.now + timedelta(days=89))

    def as_it_should_be() -> bool:
        found = product_states.get_state(MERCHANT, TOUR.id, clock.now).availability
        known = [slot.span.start for slot in slots_within(found, [whole])]
        return (
            found.complete
            and known == starts
            and not changed_intervals(publications.get_last(MERCHANT, TOUR.id), found)
        )

    async def so() -> bool:
        return await asyncio.to_thread(as_it_should_be)

    await until(so, 30)


async def test_a_product_with_a_lost_grant_checks_again_by_itself(
    local_google: RunningLocalGoogle,
    vault: Vault,
    time_skipping_server: TimeSkippingServer,
    webhooks: WebhookReceiver,
    tmp_path: Path,
) -> None:
    async with (
        open_availability_world(local_google, vault, time_skipping_server.client, webhooks, tmp_path) as availability,
        availability.world.working(),
    ):
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 1)
        await availability.world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")
        handle = time_skipping_server.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))

        async def parked() -> bool:
            parked = f"WorkflowId = '{handle.id}' AND SlotsyncHealth = 'parked'"
            return (await time_skipping_server.client.count_workflows(parked)).count == 1

        await until(parked, 60)
        await availability.world.connect()
        six_hours = time_skipping_server.skipper.fast_forward(handle, timedelta(hours=6, seconds=1))
        skipping = asyncio.ensure_future(six_hours)

        async def healed() -> bool:
            return len(received_messages(availability)) > 2 and bool(received_messages(availability)[-1]["complete"])

        # Midnight in the product's zone may come first. Then it looks again, and from then on reads without skipping.
        await until(healed, 30)
        skipping.cancel()
    assert [each["complete"] for each in received_messages(availability)[:2]] == [True, False]
