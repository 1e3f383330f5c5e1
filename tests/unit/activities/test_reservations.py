"""The plan of a round, and the records that it writes before it begins."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.reservations import ReservationActivities
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.domain.health import NO_CALENDAR, NO_CONNECTION, UNKNOWN_OWNER
from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.domain.reservations.messages import RoundPlan, RoundRequest, WaveResult, WriteKind
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.reservations.left_events import make_due
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.stored_events import written
from tests.support.stored_reservations import ANY_KEY

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(store: Store, reservation: Reservation) -> list[Interval]:
    """Report and plan the reservation, and return when its products are needed."""
    Reservations(store, ANY_KEY).report(reservation, NOW)
    plan_round(store)
    return [each.interval for each in BookedTimes(store).get_times(MERCHANT, "R-1")]


def plan_round(store: Store, after: EventKey | None = None) -> RoundPlan:
    request = RoundRequest(merchant=MERCHANT, reservation="R-1", now=NOW, after=after, version=1)
    return ReservationActivities(store, ANY_KEY).plan_round(request)


def span(start: str, end: str) -> Interval:
    return Interval.model_validate({"start": start, "end": end})


def test_the_times_of_the_newest_version_are_noted(store: Store) -> None:
    first, second = (span(f"2027-07-0{day}T15:00:00Z", f"2027-07-0{day}T17:00:00Z") for day in (1, 2))
    assert record(store, snapshot(1)) == [first]
    assert record(store, snapshot(3, item(day=2))) == [second]
    assert record(store, snapshot(2)) == [second]
    assert record(store, snapshot(4, status="cancelled")) == []


def test_nights_are_noted_in_the_zone_of_the_product(store: Store) -> None:
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    nights = item(start="2027-07-01", end="2027-07-03")
    assert record(store, snapshot(1, nights)) == [span("2027-06-30T21:00:00Z", "2027-07-02T21:00:00Z")]


def test_nights_of_a_product_without_a_zone_yet_are_noted_once_it_is_known(store: Store) -> None:
    nights = snapshot(1, item(start="2027-07-01", end="2027-07-03"))
    assert record(store, nights) == []
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    assert record(store, nights) == [span("2027-06-30T21:00:00Z", "2027-07-02T21:00:00Z")]


def report(store: Store, *reservations: Reservation) -> None:
    for each in reservations:
        Reservations(store, ANY_KEY).report(each, NOW)


def connect(store: Store) -> str:
    return Connections(store, ANY_KEY).save_grant(MERCHANT, "refresh token", wanted_scopes(push=True), EMAIL)


def open_tour(store: Store) -> str:
    """Put the product, connect the merchant, record the product's calendar, and return its connection."""
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    connection_id = connect(store)
    ManagedCalendars(store).record(MERCHANT, TOUR, "calendar-1", connection_id)
    return connection_id


def record_event(store: Store, connection_id: str) -> None:
    """Record that the event of the tour was written to its calendar."""
    calendar = {"calendar_id": "calendar-1", "connection_id": connection_id}
    event = written(1, EventKey(item="1", owner=TOUR)).model_copy(update=calendar)
    SyncedEvents(store).record(MERCHANT, "R-1", event, NOW)


def states(store: Store) -> list[SyncState]:
    return [each.state for each in SyncedEvents(store).get_events(MERCHANT, "R-1")]


def test_a_reservation_that_was_never_reported_has_no_plan(store: Store) -> None:
    assert (plan_round(store).version, plan_round(store).closing_reason) == (None, "it was never reported")


def test_a_stopped_reservation_has_no_plan_until_it_is_resumed(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1))
    Reservations(store, ANY_KEY).stop(MERCHANT, "R-1", NOW)
    assert plan_round(store).version is None
    Reservations(store, ANY_KEY).resume(MERCHANT, "R-1", NOW, limit=1)
    assert plan_round(store).version == 1


def test_a_new_booking_is_put_into_its_calendar(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1))
    planned = plan_round(store)
    assert [(each.kind, str(each.key)) for each in planned.writes] == [(WriteKind.PUT, "1@product:sunset-tour")]
    assert not planned.blockers
    assert states(store) == [SyncState.PENDING]


def test_what_has_to_wait_is_recorded_with_its_reason(store: Store) -> None:
    report(store, snapshot(1))
    assert plan_round(store).blockers == (UNKNOWN_OWNER,)
    assert states(store) == [SyncState.UNKNOWN_PRODUCT]
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    assert plan_round(store).blockers == (NO_CONNECTION,)
    assert states(store) == [SyncState.PARKED]
    connect(store)
    planned = plan_round(store)
    assert (planned.blockers, planned.needs_calendars) == ((NO_CALENDAR,), True)
    assert states(store) == [SyncState.WAITING]
    assert SyncedEvents(store).find_waiting_owners(MERCHANT, "R-1") == [TOUR]


def test_what_loses_its_calendar_while_it_is_planned_waits_for_the_next_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_tour(store)
    report(store, snapshot(1))
    record_plan = SyncedEvents.record_plan

    def record_too_late(self: SyncedEvents, *plan: Any) -> None:
        record_plan(self, *plan)
        ManagedCalendars(store).forget(MERCHANT, TOUR, "calendar-1")

    monkeypatch.setattr(SyncedEvents, "record_plan", record_too_late)
    assert plan_round(store).blockers == (NO_CALENDAR,)
    assert states(store) == [SyncState.WAITING], "by which the calendar's workflow finds what to signal"


def test_waves_go_through_all_events_once(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1, *(item(day=1 + number % 28) for number in range(100))))
    after, sizes, keys = None, list[int](), list[EventKey]()
    while True:
        planned = plan_round(store, after)
        sizes.append(len(planned.writes))
        keys += [each.key for each in planned.writes]
        if not planned.more:
            break
        after = keys[-1]
    assert sizes == [40, 40, 20]
    assert len(set(keys)) == 100


def record_wave(store: Store, planned: RoundPlan) -> bool:
    assert planned.version is not None
    result = WaveResult(
        merchant=MERCHANT,
        reservation="R-1",
        version=planned.version,
        grant_number=planned.grant_number,
        blocked=(),
        settled=True,
        debts=planned.debts,
        due_at=None,
        seen_due=planned.seen_due,
        now=NOW,
    )
    return ReservationActivities(store, ANY_KEY).record_wave(result)


def settled_version(store: Store) -> int | None:
    known = Reservations(store, ANY_KEY).get(MERCHANT, "R-1")
    assert known is not None
    return known.settled_version


def test_a_round_is_settled_only_at_the_newest_version(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1))
    first = plan_round(store)
    report(store, snapshot(2))
    assert record_wave(store, first)
    assert settled_version(store) is None
    assert not record_wave(store, plan_round(store))
    assert settled_version(store) == 2


def test_a_round_under_an_earlier_grant_is_not_settled(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1))
    planned = plan_round(store)
    connect(store)
    assert record_wave(store, planned)
    assert settled_version(store) is None


def test_what_becomes_due_during_a_round_stays_due_until_the_next_one(store: Store) -> None:
    open_tour(store)
    report(store, snapshot(1))
    planned = plan_round(store)
    with store.write() as connection:  # as a look at a calendar does that finds an event that does not belong there
        make_due(connection, MERCHANT, "R-1", NOW + timedelta(seconds=1))
    assert record_wave(store, planned)
    assert settled_version(store) is None
    assert not record_wave(store, plan_round(store))
    assert settled_version(store) == 1


def test_an_event_that_lost_its_calendar_during_a_round_waits_for_the_next_one(store: Store) -> None:
    connection_id = open_tour(store)
    report(store, snapshot(1))
    record_event(store, connection_id)
    planned = plan_round(store)
    SyncedEvents(store).mark_calendar_missing(MERCHANT, "calendar-1", NOW + timedelta(seconds=1))
    assert record_wave(store, planned)
    assert states(store) == [SyncState.WAITING]


def test_a_cancelled_event_that_comes_into_reach_during_a_round_does_not_count_as_gone(store: Store) -> None:
    connection_id = open_tour(store)
    report(store, snapshot(1))
    record_event(store, connection_id)
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR, sync=False))
    report(store, snapshot(2, status="cancelled"))
    planned = plan_round(store)
    assert planned.debts
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR, sync=True))
    assert not record_wave(store, planned)
    assert settled_version(store) is None
    assert states(store) == [SyncState.TO_DELETE]
