"""What is recorded of an event that Google deletes while its account changes."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from typing_extensions import override

from activities.events import EventActivities
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.domain.reservations.messages import EventRequest
from slotsync.google.events.deletion import NoteFound, ignore_found, mark_deleted
from slotsync.google.events.writes import GoogleEvents
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of, snapshot
from tests.support.stored_events import written
from tests.support.stored_reservations import ANY_KEY

pytestmark = pytest.mark.anyio

CALENDAR = "calendar-1"
KEY = EventKey(item="1", owner=TOUR)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class GoogleWhileTheAccountChanges(GoogleEvents):
    """Deletes events, and before it answers, the merchant has connected another account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @override
    def delete_event(
        self,
        merchant: str,
        reservation: str,
        written: WrittenEvent,
        version: int,
        get_managed: Callable[[], Iterable[str]] = tuple,
        note_found: NoteFound = ignore_found,
    ) -> WrittenEvent:
        SyncedEvents(self._store).mark_calendar_missing(merchant, written.calendar_id, NOW, missing=False)
        assert LeftEventStore(self._store).get_keys(merchant, reservation).owed == {KEY}
        return mark_deleted(written, version)


async def test_what_google_deletes_while_the_account_changes_is_not_owed_in_the_former_one(store: Store) -> None:
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    connection_id = Connections(store, ANY_KEY).save_grant(MERCHANT, "token", wanted_scopes(push=True), EMAIL)
    ManagedCalendars(store).record(MERCHANT, TOUR, CALENDAR, connection_id)
    Reservations(store, ANY_KEY).report(snapshot(2, status="cancelled"), NOW)
    event = written(1, KEY).model_copy(update={"calendar_id": CALENDAR, "connection_id": connection_id})
    SyncedEvents(store).record(MERCHANT, "R-1", event, NOW)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    health = ConnectionHealth(Connections(store, ANY_KEY), client, asyncio.get_running_loop())
    activities = EventActivities(store, ANY_KEY, health, GoogleWhileTheAccountChanges(store))
    request = EventRequest(merchant=MERCHANT, reservation="R-1", key=KEY, version=2)
    await asyncio.to_thread(ActivityEnvironment().run, activities.delete_event, request)
    assert not LeftEventStore(store).get_keys(MERCHANT, "R-1").owed
