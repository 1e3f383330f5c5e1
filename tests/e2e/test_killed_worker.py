from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Item
from slotsync.secrets import Vault
from slotsync.store.calendars.owners import Owners
from starter.local.processes import slotsync_command
from tests.support.availability_webhooks import (
    CHANGED,
    HOUR,
    TOMORROW,
    closed_from,
    received_messages,
    starts,
    text,
    until_received,
)
from tests.support.availability_world import AvailabilityWorld, open_availability_world
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from workflows.steps.availability import WATCH_HEARTBEAT_TIMEOUT

pytestmark = pytest.mark.anyio

ELSEWHERE = WATCH_HEARTBEAT_TIMEOUT.total_seconds() + 15
"""The heartbeat time-out, and what a process and its first reading take."""


@pytest.fixture
async def availability(
    local_google: RunningLocalGoogle, webhooks: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[AvailabilityWorld]:
    """A merchant that is polled every second, by workers that know its key."""
    key = Fernet.generate_key().decode()
    async with (
        running_temporal_server() as client,
        open_availability_world(local_google, Vault([key]), client, webhooks, tmp_path, key=key) as built,
    ):
        yield built


@asynccontextmanager
async def worker(availability: AvailabilityWorld, name: str) -> AsyncIterator[Part]:
    """Yield a worker process that can be killed."""
    world = availability.world
    environment = environment_of(world.settings, world.client)
    async with AsyncExitStack() as at_end:
        folder = world.settings.data_folder
        part = Part(name, slotsync_command("worker"), folder, environment, ready_at_once, at_end, killed_at_end=True)
        await part.start()
        yield part


async def test_another_worker_continues_for_a_killed_one_with_the_same_message_ids(
    availability: AvailabilityWorld,
) -> None:
    async with AsyncExitStack() as others, worker(availability, "first") as first:
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 1)
        with availability.webhooks.held_up() as arrived:
            await availability.busy(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)
            await until(arrived, 30)
            await first.kill()
            await others.enter_async_context(worker(availability, "second"))
            await availability.busy(TOMORROW + 4 * HOUR, TOMORROW + 5 * HOUR)
        await closed_from(availability, *(TOMORROW + hours * HOUR for hours in (0, 2, 4)), within=ELSEWHERE)

        async def everything_told() -> bool:
            return {start for each in received_messages(availability) for start in starts(each)} == {
                text(TOMORROW + hours * HOUR) for hours in (0, 2, 4)
            }

        await until(everything_told, 90)
    ids = {str(each["id"]): starts(each["data"]) for each in availability.webhooks.messages_of_type(CHANGED)}
    changed = [start for each in ids.values() for start in each]
    assert len(changed) == len(set(changed)), "no change is told under two ids"


DAY = timedelta(days=1)
BOAT = Owner.product("boat")
CONFLICT = "conflict.found"
TOLD = ["all-day", "boat-both", "booked-first", "busy-first", "fair", "moved", "padding"]


async def report(availability: AvailabilityWorld, name: str, wanted: Item, version: int = 1) -> None:
    await availability.world.slotsync.report(snapshot(version, wanted, name=name))


def hours(day: int, start: float, end: float) -> tuple[datetime, datetime]:
    first = TOMORROW.replace(hour=0) + day * DAY
    return first + start * HOUR, first + end * HOUR


def booked(times: tuple[datetime, datetime], product: Owner = TOUR) -> Item:
    return item(product.id, start=times[0], end=times[1])


def told_conflicts(availability: AvailabilityWorld) -> list[str]:
    """Return the reservation of each conflict, once for each id of a message."""
    messages = {str(each["id"]): each["data"] for each in availability.webhooks.messages_of_type(CONFLICT)}
    return sorted(str(each["reservation"]) for each in messages.values())


async def test_each_conflict_is_told_under_one_id_in_either_order_also_when_a_worker_is_killed(
    availability: AvailabilityWorld,
) -> None:
    async with AsyncExitStack() as others, worker(availability, "first") as first:
        owners = Owners(availability.world.store)
        owners.put(MERCHANT, TOUR, settings_of(TOUR, pad_after_minutes=30))
        owners.put(MERCHANT, BOAT, settings_of(BOAT, free_calendars_needed=1))
        work = await availability.calendar("Work")
        await availability.block(EMAIL)
        await availability.block(EMAIL, work, product=BOAT)
        await availability.busy(*hours(1, 10, 11))
        await availability.busy(*hours(4, 10, 11))
        await report(availability, "booked-first", booked(hours(2, 10, 11)))
        await report(availability, "moved", booked(hours(3, 10, 11)))
        await until_received(availability, 1)
        with availability.webhooks.held_up() as arrived:
            await report(availability, "busy-first", booked(hours(1, 10, 11)))
            await availability.busy(*hours(2, 10, 11))
            await until(arrived, 30)
            await first.kill()
            await report(availability, "moved", booked(hours(4, 10, 11)), version=2)
            await availability.busy(*hours(5, 10, 11))
            first_night = hours(5, 0, 1)[0].date()
            await report(availability, "all-day", item(start=first_night, end=first_night + DAY))
            await availability.busy_all_day(hours(6, 0, 1)[0].date())
            await others.enter_async_context(worker(availability, "second"))
        await report(availability, "fair", booked(hours(6, 10, 11)))
        await availability.busy(*hours(7, 10, 11))
        await report(availability, "padding", booked(hours(7, 11.25, 12)))
        await report(availability, "beside", booked(hours(7, 11.5, 12)))
        await availability.busy(*hours(8, 10, 11), calendar=work)
        await report(availability, "boat-one", booked(hours(8, 10, 11), BOAT))
        await report(availability, "boat-both", booked(hours(9, 10, 11), BOAT))
        await availability.busy(*hours(9, 10, 11), calendar=work)
        await availability.busy(*hours(9, 10.5, 12))

        async def all_told() -> bool:
            return {*told_conflicts(availability)} >= {*TOLD}

        await until(all_told, 120)
        # What is told after all of them would have told a conflict that there is not, or one again.
        await availability.busy(*hours(12, 10, 11))
        await report(availability, "last", booked(hours(12, 10, 11)))
        await until(lambda: is_told(availability, "last"), 60)
    assert told_conflicts(availability) == sorted([*TOLD, "last"])


async def is_told(availability: AvailabilityWorld, name: str) -> bool:
    return name in told_conflicts(availability)
