"""Events that were left behind in calendars out of reach, and what becomes of them once those are back."""

from datetime import timedelta

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import MISSING_CALENDAR_KEPT, LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.returned_calendars import ReturnedCalendars
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.stored_events import KEY, LATER, NOON, book, written
from tests.support.stored_reservations import ANY_KEY


@pytest.fixture
def events(store: Store) -> SyncedEvents:
    return SyncedEvents(store)


def test_an_adopted_event_replaces_what_is_known_of_another_calendar_and_nothing_of_this_one(
    store: Store, events: SyncedEvents
) -> None:
    here, there = written(), written().model_copy(update={"calendar_id": "former"})
    events.record("m", "elsewhere", there, NOON)
    events.record("m", "here", here, NOON)
    older = here.model_copy(update={"version": 0, "etag": "older"})
    adopted = {(name, KEY): older for name in ("elsewhere", "here", "unknown")}
    ReturnedCalendars(store, ANY_KEY).adopt("m", KEY.owner, here.calendar_id, adopted, LATER)
    found = {name: events.get_events("m", name)[0] for name in ("elsewhere", "here", "unknown")}
    assert {name: event.state for name, event in found.items()} == {
        "elsewhere": SyncState.WAITING,
        "here": SyncState.IN_STEP,
        "unknown": SyncState.WAITING,
    }
    assert [event.written and event.written.etag for event in found.values()] == ["older", here.etag, "older"]
    left = LeftEventStore(store)
    assert [left.get_keys("m", name).owed for name in found] == [{KEY}, set(), set()], "in the other account's calendar"


def test_what_was_left_in_a_calendar_that_is_back_and_is_not_found_there_is_searched_for(
    store: Store, events: SyncedEvents
) -> None:
    former, now = written().model_copy(update={"calendar_id": "former"}), written()
    book(store, "R-1", ends_at=LATER)
    events.record("m", "R-1", now, NOON)
    left = LeftEventStore(store)
    left.leave("m", "R-1", former, NOON, missing=False)
    assert left.get_keys("m", "R-1").owed == {KEY}
    events.mark("m", "R-1", KEY, SyncState.PARKED, NOON, error="insufficientPermissions")
    ReturnedCalendars(store, ANY_KEY).adopt("m", KEY.owner, "former", {}, LATER)
    (event,) = events.get_events("m", "R-1")
    assert event.written
    assert event.last_error is None
    assert (event.state, event.written.present, event.written.calendar_id) == (SyncState.WAITING, True, "former")
    assert (event.written.etag, event.written.fingerprint) == ("", "")
    assert left.get_keys("m", "R-1").owed == {KEY}, "what was in the calendar of until now is out of reach"
    ReturnedCalendars(store, ANY_KEY).adopt("m", KEY.owner, now.calendar_id, {("R-1", KEY): now}, LATER)
    assert left.get_keys("m", "R-1").owed == {KEY}, "and the other way round"


def test_an_event_of_another_owner_in_a_calendar_that_is_back_is_looked_for_by_its_reservation(
    store: Store, events: SyncedEvents
) -> None:
    book(store, "R-1", ends_at=LATER)
    events.record("m", "R-1", written().model_copy(update={"present": False, "version": 1}), NOON)
    boat = Owner.product("boat")
    stray = written().model_copy(update={"calendar_id": "of-the-boat"})
    ReturnedCalendars(store, ANY_KEY).adopt("m", boat, "of-the-boat", {("R-1", KEY): stray}, LATER)
    found = events.get_written_event("m", "R-1", KEY)
    assert found
    assert (found.duplicates_in, found.version) == (("of-the-boat",), 0)


def test_what_a_calendar_held_that_google_does_not_find_is_remembered_until_it_is_written_there_again(
    store: Store, events: SyncedEvents
) -> None:
    left, calendar_id = LeftEventStore(store), written().calendar_id
    for name in ("R-1", "R-2"):
        events.record("m", name, written(), NOON)
    events.mark_calendar_missing("m", calendar_id, LATER)
    assert left.find("m", KEY.owner)[calendar_id].keys() == {("R-1", KEY), ("R-2", KEY)}
    assert left.get_keys("m", "R-1").owed == set(), "nobody knows whether it was deleted"
    events.record("m", "R-2", written().model_copy(update={"version": 2}), LATER)
    assert left.find("m", KEY.owner)[calendar_id].keys() == {("R-1", KEY)}
    left.forget_missing("m", KEY.owner, LATER + MISSING_CALENDAR_KEPT)
    assert left.find("m", KEY.owner)
    left.forget_missing("m", KEY.owner, LATER + MISSING_CALENDAR_KEPT + timedelta(seconds=1))
    assert left.find("m", KEY.owner) == {}


def test_a_calendar_that_slotsync_deleted_is_not_remembered(store: Store, events: SyncedEvents) -> None:
    events.record("m", "R-1", written(), NOON)
    events.mark_calendar_missing("m", written().calendar_id, LATER, may_come_back=False)
    assert LeftEventStore(store).find("m", KEY.owner) == {}


def test_a_version_in_a_mark_of_the_first_format_is_believed_if_it_is_known(store: Store, events: SyncedEvents) -> None:
    book(store, "known", "newer")
    found = written().model_copy(update={"first_format": True})
    newer = found.model_copy(update={"version": 20301231})
    before = {("known", KEY): found, ("newer", KEY): newer, ("unknown", KEY): newer}
    ReturnedCalendars(store, ANY_KEY).adopt("m", KEY.owner, found.calendar_id, before, LATER)
    taken_up = [events.get_written_event("m", name, KEY) for name, _ in before]
    assert [each and (each.version, bool(each.fingerprint)) for each in taken_up] == [(1, True), (0, False), (0, False)]
    left = LeftEventStore(store)
    left.leave_all("m", {key: each.model_copy(update={"calendar_id": "boat"}) for key, each in before.items()}, LATER)
    assert [each.version for each in left.find("m", KEY.owner)["boat"].values()] == [1, 0, 0]


def test_events_that_were_not_known_may_be_of_the_first_format(store: Store, events: SyncedEvents) -> None:
    events.record("m", "known", written(present=False), NOON)
    ReturnedCalendars(store, ANY_KEY).adopt(
        "m", KEY.owner, "c-1", {(n, KEY): written() for n in ("known", "unknown")}, LATER
    )
    found = [events.get_written_event("m", name, KEY) for name in ("known", "unknown")]
    assert [each and (each.present, each.first_format) for each in found] == [(True, False), (True, True)]
    events.record("m", "unknown", written(2), LATER)
    again = events.get_written_event("m", "unknown", KEY)
    assert again
    assert again.first_format, "an older one may be restored from the bin"


def test_what_is_owed_in_a_missing_calendar_counts_until_that_is_forgotten_and_its_reservation_looks_again(
    store: Store, events: SyncedEvents
) -> None:
    left, reservations = LeftEventStore(store), Reservations(store, ANY_KEY)
    book(store, "R-1", ends_at=LATER)
    events.record("m", "R-1", written(), NOON)
    events.mark("m", "R-1", KEY, SyncState.TO_DELETE, NOON)
    events.mark_calendar_missing("m", written().calendar_id, NOON, owed=True)
    assert left.get_keys("m", "R-1").owed == {KEY}
    assert [each.state for each in events.get_events("m", "R-1")] == [SyncState.TO_DELETE]
    forgotten_at = NOON + MISSING_CALENDAR_KEPT + timedelta(seconds=1)
    left.forget_missing("m", KEY.owner, forgotten_at)
    assert left.get_keys("m", "R-1").owed == set()
    found = reservations.get("m", "R-1")
    assert found
    assert found.due_at == forgotten_at
