"""Calendars of a merchant's former accounts: only the account itself can say that it does not find one."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.connections.connection import Account
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import KeyRotation
from slotsync.store.reservations.left_events import MISSING_CALENDAR_KEPT, LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.retention import Retention
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.samples import settings_of
from tests.support.stored_events import KEY, LATER, NOON, TOUR, book, written
from tests.support.stored_reservations import ANY_KEY
from tests.support.stored_secrets import begin_as_formerly

FORMER = written().calendar_id


def connect(store: Store, account: str, calendar_id: str = "") -> None:
    """Connect the merchant with an account, in which the tour gets this calendar."""
    key = Account(id=account, email=f"{account}@x").key
    grant = NewGrant(account_email=f"{account}@x", account_key=key, scopes=frozenset(), refresh_token="r")
    connection_id = Connections(store, ANY_KEY).save("m", grant)
    if calendar_id:
        ManagedCalendars(store).record("m", TOUR, calendar_id, connection_id)


def owe(store: Store) -> LeftEventStore:
    """Leave an event in the first account, and connect another one."""
    book(store, "R-1")
    Owners(store).put("m", TOUR, settings_of(TOUR))
    connect(store, "first", FORMER)
    connect(store, "other", "c-other")
    left = LeftEventStore(store)
    left.leave("m", "R-1", written(), NOON, missing=False)
    return left


def drop(store: Store) -> list[str]:
    """Drop what is kept no longer, and return the ids of the former calendars that are remembered."""
    Retention(store, ANY_KEY).drop_page(NOON - timedelta(days=90), NOON, 100)
    with store.read() as session:
        found = session.connection().execute(text("SELECT calendar_id FROM former_calendar ORDER BY calendar_id"))
        return [*found.scalars()]


def test_what_its_own_account_does_not_find_is_owed_no_more_and_forgotten_after_a_time(store: Store) -> None:
    left = owe(store)
    assert left.find_in_own_account("m", TOUR) == set()
    left.mark_missing("m", TOUR, FORMER, LATER)
    assert left.get_keys("m", "R-1").owed == {KEY}, "the other account cannot know"
    connect(store, "first")
    assert left.find_in_own_account("m", TOUR) == {FORMER}
    settle(store)
    left.mark_missing("m", TOUR, FORMER, LATER)
    assert left.get_keys("m", "R-1").owed == set()
    assert Reservations(store, ANY_KEY).find_due(LATER, limit=10), "its status has to tell it"
    left.forget_missing("m", TOUR, LATER + MISSING_CALENDAR_KEPT)
    assert left.find("m", TOUR)
    left.forget_missing("m", TOUR, LATER + MISSING_CALENDAR_KEPT + timedelta(seconds=1))
    assert left.find("m", TOUR) == {}


def settle(store: Store) -> None:
    reservations = Reservations(store, ANY_KEY)
    reservations.record_wave("m", "R-1", 1, settled=True, due_at=None, now=NOON)
    assert not reservations.find_due(LATER, limit=10)


def test_the_account_of_a_former_calendar_is_remembered_as_long_as_anything_of_ours_is_there(store: Store) -> None:
    left = owe(store)
    SyncedEvents(store).record("m", "R-1", written().model_copy(update={"calendar_id": "c-other"}), NOON)
    connect(store, "third")
    assert drop(store) == [FORMER, "c-other"]
    left.forget("m", TOUR, FORMER)
    assert drop(store) == ["c-other"]
    connect(store, "other", "c-other")
    assert drop(store) == [], "it is the calendar of now"


@pytest.mark.parametrize("formerly", [False, True])
def test_an_account_that_a_former_process_recorded_is_known_after_a_rotation(store: Store, *, formerly: bool) -> None:
    Instances(store, ANY_KEY).get_id()
    if formerly:
        begin_as_formerly(store)
    left = owe(store)
    rotated = {each.column: each.renewed for each in KeyRotation(store, ANY_KEY).rotate()}
    assert rotated["former_calendar.account_key"] == int(formerly)
    connect(store, "first")
    assert left.find_in_own_account("m", TOUR) == {FORMER}
