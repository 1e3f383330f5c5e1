"""A disconnection forgets what the page says it forgets, and keeps what the page says stays."""

import json
from datetime import timedelta
from typing import Any

import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.export import Export, write_line
from slotsync.temporal.signals import signal_availability
from tests.support.connection_harness import ConnectionHarness
from tests.support.parked_reservations import open_tours, report_reservations, until_all_settled
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

PICKED = PickableCalendar(id=EMAIL, name="Lastenhoito & koulu")
READ = {"watched_calendar", "busy_reading"}


def stored(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return all that is stored of the merchant but tokens, by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in map(write_line, Export(world.store, world.vault).iterate(MERCHANT)):
        row = json.loads(line)
        found.setdefault(row["table"], []).append(row)
    return found


def busy_times(world: World) -> list[Any]:
    """Return the slots that were published last, and are not forgotten."""
    published = [row["slots"] for row in stored(world).get("published_availability", []) if row["slots"]]
    return [slot for each in published for slot in each["slots"]]


async def block(world: World) -> None:
    """Pick the merchant's own calendar, with an appointment, and wait until it is published."""
    start = utc_now().replace(microsecond=0) + timedelta(days=2)
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + timedelta(hours=1)).isoformat()}}
    own = f"/sandbox/accounts/{EMAIL}/calendars/{EMAIL}/events"
    (await world.http.post(own, json={"summary": "Own", **times})).raise_for_status()
    BlockingCalendars(world.store, world.vault).replace(MERCHANT, TOUR, [PICKED])
    await signal_availability(world.client, MERCHANT, TOUR.id)

    async def published() -> bool:
        return "busy" in str(busy_times(world))

    await until(published)


async def test_a_disconnection_forgets_account_names_and_busy_times_and_keeps_where_events_are(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    async with world.working():
        await open_tours(world)
        await connecting_merchant.connected()
        await report_reservations(world, 1, 1)
        await until_all_settled(world, 1, 1)
        await block(world)
        before = stored(world)
        assert before.keys() >= READ
        assert EMAIL in str(before)
        await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP)

        async def forgotten() -> bool:
            return not busy_times(world)

        await until(forgotten)
    after = stored(world)
    for text in (EMAIL, PICKED.name):
        assert text not in str({table: rows for table, rows in after.items() if table != "audit_entry"})
    assert after.keys() & {*READ, "push_channel", "blocking_calendar"} == set()
    for table in ("owner", "reservation", "managed_calendar", "audit_entry"):
        assert after[table]
    assert [each["link"] for each in after["synced_event"]] == [each["link"] for each in before["synced_event"]]
