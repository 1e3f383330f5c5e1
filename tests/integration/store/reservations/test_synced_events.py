from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from slotsync.domain.calendars.owner import GuestData, ManagedCalendar, Owner, OwnerSettings
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.store.database.engine import Store
from slotsync.store.reservations.events_to_signal import EventsToSignal
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import StateCount, SyncedEvent, SyncedEvents
from tests.support.stored_events import KEY, LATER, NOON, TOUR, book, written
from tests.support.stored_reservations import ANY_KEY, store_version

GUIDE = Owner.resource("guide")


@pytest.fixture
def events(store: Store) -> SyncedEvents:
    return SyncedEvents(store)


def only(events: SyncedEvents) -> SyncedEvent:
    (event,) = events.get_events("m", "R-1")
    return event


def test_what_was_written_comes_back_whole(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(), NOON)
    assert events.get_written("m", "R-1") == [written()]
    assert only(events) == SyncedEvent("R-1", KEY, SyncState.IN_STEP, NOON, None, None, written())


def test_an_event_that_only_waits_was_never_in_google(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.WAITING, NOON, error="calendar", desired_version=3)
    assert events.get_written("m", "R-1") == []
    assert only(events) == SyncedEvent("R-1", KEY, SyncState.WAITING, NOON, 3, "calendar", None)


def test_of_an_event_that_google_has_not_answered_about_no_version_is_written(events: SyncedEvents) -> None:
    events.record_attempt("m", "R-1", written(1).model_copy(update={"etag": "", "fingerprint": ""}), NOON)
    assert only(events).written_version is None
    events.record("m", "R-1", written(1), NOON)
    assert only(events).written_version == 1


def test_a_deleted_event_is_still_known_with_its_generation(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(1), NOON)
    events.record("m", "R-1", written(2, present=False), LATER)
    assert events.get_written("m", "R-1") == [written(2, present=False)]
    assert (only(events).state, only(events).since) == (SyncState.DELETED, LATER)
    assert only(events).link == ""


def test_a_mark_leaves_what_is_known_of_google(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(), NOON)
    events.mark("m", "R-1", KEY, SyncState.PARKED, LATER, error="invalid_grant", desired_version=2)
    assert only(events) == SyncedEvent("R-1", KEY, SyncState.PARKED, LATER, 2, "invalid_grant", written())


def test_since_changes_only_when_the_state_does(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.RETRYING, NOON, error="backendError")
    events.mark("m", "R-1", KEY, SyncState.RETRYING, LATER, error="slow")
    assert (only(events).since, only(events).last_error) == (NOON, "slow")
    events.record("m", "R-1", written(1), LATER)
    events.record("m", "R-1", written(2), LATER + timedelta(hours=1))
    assert (only(events).since, only(events).written_version) == (LATER, 2)


def test_a_write_clears_the_last_error(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.RETRYING, NOON, error="backendError", desired_version=1)
    events.record("m", "R-1", written(1), LATER)
    assert (only(events).state, only(events).last_error) == (SyncState.IN_STEP, None)


def test_a_write_of_an_older_version_than_desired_does_not_put_it_in_step(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.PARKED, NOON, error="invalid_grant", desired_version=5)
    events.record("m", "R-1", written(4), LATER)
    assert only(events) == SyncedEvent("R-1", KEY, SyncState.PARKED, NOON, 5, "invalid_grant", written(4))


def test_an_older_write_that_is_noted_late_changes_nothing(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(3), NOON)
    events.record("m", "R-1", written(2, present=False), LATER)
    assert events.get_written("m", "R-1") == [written(3)]


def test_an_older_mark_that_arrives_late_changes_nothing(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.PARKED, NOON, desired_version=3)
    events.mark("m", "R-1", KEY, SyncState.RETRYING, LATER, desired_version=2)
    assert (only(events).state, only(events).desired_version) == (SyncState.PARKED, 3)


def test_a_mark_without_a_version_keeps_the_one_that_is_known(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.PARKED, NOON, desired_version=3)
    events.mark("m", "R-1", KEY, SyncState.RETRYING, LATER)
    assert (only(events).state, only(events).desired_version) == (SyncState.RETRYING, 3)


def test_the_first_write_after_a_mark_is_recorded(events: SyncedEvents) -> None:
    events.mark("m", "R-1", KEY, SyncState.WAITING, NOON)
    events.record("m", "R-1", written(1), LATER)
    assert events.get_written("m", "R-1") == [written(1)]


def test_a_settled_reservation_has_nothing_that_still_seems_held_up(store: Store, events: SyncedEvents) -> None:
    right, never_made, off = (EventKey(item=item, owner=TOUR) for item in ("right", "never-made", "off"))
    events.record("m", "R-1", written(1, right), NOON)
    events.mark("m", "R-1", right, SyncState.RETRYING, NOON, error="slow", desired_version=1)
    events.mark("m", "R-1", never_made, SyncState.WAITING, NOON, error="calendar")
    events.mark("m", "R-1", off, SyncState.NOT_SYNCED, NOON)
    events.mark("m", "R-2", never_made, SyncState.WAITING, NOON)
    store_version(store, 2, NOON)
    Reservations(store, ANY_KEY).record_wave("m", "R-1", 2, settled=True, due_at=None, now=LATER)
    found = events.get_events("m", "R-1")
    settled = {event.key.item: (event.state, event.since, event.last_error) for event in found}
    assert [event.state for event in events.get_events("m", "R-2")] == [SyncState.WAITING]
    assert settled["right"] == (SyncState.IN_STEP, LATER, None)
    assert settled["off"] == (SyncState.NOT_SYNCED, NOON, None)
    assert settled["never-made"] == (SyncState.DELETED, LATER, None)


def tour(calendar_id: str | None = "c-1", *, sync: bool = True, removing: bool = False) -> ManagedCalendar:
    settings = OwnerSettings(name="Tour", sync=sync)
    return ManagedCalendar(owner=TOUR, settings=settings, calendar_id=calendar_id, removing=removing)


def test_reservations_that_wait_for_a_calendar_are_listed_page_by_page_each_once(
    store: Store, events: SyncedEvents
) -> None:
    for reservation in ("R-3", "R-1", "R-2"):
        for item in ("1", "2"):
            events.mark("m", reservation, EventKey(item=item, owner=TOUR), SyncState.WAITING, NOON)
    events.mark("m", "R-4", EventKey(item="1", owner=GUIDE), SyncState.WAITING, NOON)
    events.mark("m", "R-5", KEY, SyncState.PARKED, NOON)
    events.mark("other", "R-6", KEY, SyncState.WAITING, NOON)
    book(store, "R-1", "R-2", "R-3", "R-4", "R-5")
    book(store, "R-6", merchant="other")
    assert EventsToSignal(store).find("m", tour(), NOON, limit=2) == ["R-1", "R-2"]
    assert EventsToSignal(store).find("m", tour(), NOON, limit=2, after="R-2") == ["R-3"]
    assert EventsToSignal(store).find("m", tour(), NOON, limit=2, after="R-3") == []


@pytest.mark.parametrize(
    ("calendar", "found"),
    [
        pytest.param(tour(), ["passed-over", "waiting"], id="on: what was passed over while it was off"),
        pytest.param(
            tour("c-2"), ["over", "passed-over", "there", "waiting"], id="of another account: what is in the former one"
        ),
        pytest.param(tour(sync=False), ["waiting"], id="off: those that wait are signalled"),
        pytest.param(
            tour(sync=False, removing=True), ["over", "there", "waiting"], id="off with removal: what is there"
        ),
    ],
)
def test_reservations_that_are_not_what_the_calendar_should_show_are_found(
    store: Store, events: SyncedEvents, calendar: ManagedCalendar, found: list[str]
) -> None:
    events.mark("m", "waiting", KEY, SyncState.WAITING, NOON)
    events.mark("m", "passed-over", KEY, SyncState.NOT_SYNCED, NOON)
    events.record("m", "there", written(), NOON)
    events.record("m", "over", written(), NOON)
    book(store, "passed-over", "there")
    book(store, "waiting", "over", ends_at=NOON - timedelta(days=2))
    assert EventsToSignal(store).find("m", calendar, NOON, limit=9) == found
    assert sum(events.count_open_states("m", TOUR, NOON).values()) == 2


def test_with_a_calendar_goes_all_that_was_in_it(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(), NOON)
    events.mark_calendar_deleted("other", "c-1", LATER)
    events.mark_calendar_deleted("m", "c-2", LATER)
    assert only(events).state is SyncState.IN_STEP
    events.mark("m", "R-1", KEY, SyncState.PARKED, NOON, error="insufficientPermissions")
    events.mark_calendar_deleted("m", "c-1", LATER)
    assert (only(events).state, only(events).since) == (SyncState.DELETED, LATER)
    assert only(events).last_error is None
    assert [each.present for each in events.get_written("m", "R-1")] == [False]


def test_the_summary_counts_each_state_and_names_the_oldest_time(events: SyncedEvents) -> None:
    events.record("m", "R-1", written(), LATER)
    events.record("m", "R-2", written(), NOON)
    events.mark("m", "R-3", KEY, SyncState.PARKED, LATER)
    events.record("other", "R-4", written(), NOON)
    assert events.count_states("m") == {SyncState.IN_STEP: StateCount(2, NOON), SyncState.PARKED: StateCount(1, LATER)}
    assert events.count_states("nobody") == {}


def test_sixteen_threads_that_record_at_once_leave_the_newest(events: SyncedEvents) -> None:
    with ThreadPoolExecutor(16) as threads:
        for outcome in [threads.submit(events.record, "m", "R-1", written(n), NOON) for n in range(200)]:
            outcome.result()
    assert events.get_written("m", "R-1") == [written(199)]


def test_sixteen_threads_write_and_read_many_reservations_at_once(events: SyncedEvents) -> None:
    def live(n: int) -> list[WrittenEvent]:
        events.mark("m", f"R-{n}", KEY, SyncState.PENDING, NOON, desired_version=1)
        events.record("m", f"R-{n}", written(1), NOON)
        return events.get_written("m", f"R-{n}")

    with ThreadPoolExecutor(16) as threads:
        assert [*threads.map(live, range(200))] == [[written(1)]] * 200
    assert events.count_states("m") == {SyncState.IN_STEP: StateCount(200, NOON)}


@pytest.mark.parametrize(
    ("calendar", "found"),
    [
        pytest.param(tour(sync=False), [], id="off: out of reach"),
        pytest.param(tour("of another account"), [], id="another account: out of reach"),
        pytest.param(tour(None), [], id="no calendar: out of reach"),
        pytest.param(tour(), ["R-1"], id="on again: in reach"),
        pytest.param(tour(sync=False, removing=True), ["R-1"], id="to be removed: in reach"),
    ],
)
def test_what_has_to_go_is_signalled_once_its_calendar_is_back(
    store: Store, events: SyncedEvents, calendar: ManagedCalendar, found: list[str]
) -> None:
    events.record("m", "R-1", written(), NOON)
    events.mark("m", "R-1", KEY, SyncState.TO_DELETE, NOON)
    book(store, "R-1", ends_at=NOON - timedelta(days=99))
    assert EventsToSignal(store).find("m", calendar, NOON, limit=9) == found


def test_another_level_of_guest_data_reaches_what_was_written_at_other_levels_long_ago(
    store: Store, events: SyncedEvents
) -> None:
    for name, level in (("limited", GuestData.LIMITED), ("full", GuestData.FULL), ("unknown", None)):
        events.record("m", name, written().model_copy(update={"guest_data": level}), NOON)
    book(store, "limited", "full", "unknown", ends_at=NOON - timedelta(days=99))
    assert EventsToSignal(store).find("m", tour(), NOON, limit=9, all_open=True) == ["full", "unknown"]
    assert EventsToSignal(store).find("m", tour(), NOON, limit=9) == []


def test_what_a_missing_calendar_held_waits_for_the_next_one_if_it_is_wanted(
    store: Store, events: SyncedEvents
) -> None:
    for name in ("wanted", "unwanted"):
        events.record("m", name, written(), NOON)
    events.mark("m", "unwanted", KEY, SyncState.TO_DELETE, NOON)
    events.mark_calendar_missing("m", written().calendar_id, LATER)
    states = {name: events.get_events("m", name)[0] for name in ("wanted", "unwanted")}
    assert [states["wanted"].state, states["unwanted"].state] == [SyncState.WAITING, SyncState.DELETED]
    assert [event.written and event.written.present for event in states.values()] == [False, False]


@pytest.mark.parametrize(("debts", "state"), [(False, SyncState.DELETED), (True, SyncState.TO_DELETE)])
def test_what_stood_in_a_former_calendar_is_deleted_once_nothing_is_owed(
    store: Store, events: SyncedEvents, *, debts: bool, state: SyncState
) -> None:
    book(store, "R-1")
    events.record("m", "R-1", written(present=False), NOON)
    events.mark("m", "R-1", KEY, SyncState.TO_DELETE, NOON)
    assert Reservations(store, ANY_KEY).record_wave("m", "R-1", 1, settled=True, debts=debts, due_at=None, now=LATER)
    assert only(events).state == state
