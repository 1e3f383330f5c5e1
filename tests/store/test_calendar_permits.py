from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from slotsync.rules.event import EventKey
from slotsync.rules.owner import Owner, OwnerSettings
from slotsync.rules.reservation import ReservationStatus
from slotsync.rules.staging import LIMIT, WINDOW
from slotsync.rules.sync_state import SyncState
from slotsync.store import CalendarPermits, Calendars, Connections, Owners, Reservations, Store, SyncedEvents

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOURS = [Owner.product(f"tour-{number:02}") for number in range(60)]


@pytest.fixture
def permits(store: Store) -> CalendarPermits:
    for tour in TOURS:
        Owners(store).put("m", tour, OwnerSettings(name=tour.id))
    return CalendarPermits(store)


def book(store: Store, tour: Owner, ends_at: datetime, status: ReservationStatus = ReservationStatus.CONFIRMED) -> None:
    reservation = f"{status} at {ends_at:%H}"
    SyncedEvents(store).mark("m", reservation, EventKey(item="1", owner=tour), SyncState.WAITING, NOON)
    Reservations(store).begin("m", reservation, 1, status, ends_at, NOON)


def test_threads_that_ask_at_once_never_get_more_than_the_limit(permits: CalendarPermits) -> None:
    with ThreadPoolExecutor(16) as threads:
        turns = [*threads.map(lambda tour: permits.take_turn("m", tour, NOON), TOURS)]
    assert sum(turn.at <= NOON for turn in turns) == len(permits.of("m")) == LIMIT
    assert {turn.at for turn in turns if turn.at > NOON} == {NOON + WINDOW}


def test_the_soonest_needed_is_first_whoever_asks_first(store: Store, permits: CalendarPermits) -> None:
    book(store, TOURS[50], NOON + timedelta(hours=3))
    book(store, TOURS[55], NOON + timedelta(hours=2))
    book(store, TOURS[56], NOON + timedelta(hours=1), ReservationStatus.CANCELLED)
    book(store, TOURS[57], NOON - timedelta(hours=1))
    asked = [TOURS[55], TOURS[50], TOURS[0], TOURS[56]]
    positions = [permits.take_turn("m", tour, NOON).position for tour in reversed(asked)]
    assert positions == [57, 3, 2, 1]


def test_one_that_asks_again_keeps_its_place_and_takes_no_second_one(permits: CalendarPermits) -> None:
    for minute in (0, 1, 2):
        assert permits.take_turn("m", TOURS[0], NOON + timedelta(minutes=minute)).at == NOON + timedelta(minutes=minute)
    assert [permit.since for permit in permits.of("m")] == [NOON + timedelta(minutes=2)]


def test_a_permit_is_used_by_the_calendar_that_was_made_on_it(
    store: Store, permits: CalendarPermits, connections: Connections
) -> None:
    connection = connections.save_grant("m", "token", ["calendar"], "merchant@example.com")
    permits.take_turn("m", TOURS[0], NOON)
    Calendars(store).record("m", TOURS[0], "c-1", connection)
    Calendars(store).forget("m", TOURS[0], "c-1")
    permits.take_turn("m", TOURS[0], NOON + timedelta(minutes=1))
    assert [permit.used for permit in permits.of("m")] == [True, False]


def test_who_is_off_or_has_a_calendar_is_not_in_line(
    store: Store, permits: CalendarPermits, connections: Connections
) -> None:
    connection = connections.save_grant("m", "token", ["calendar"], "merchant@example.com")
    Calendars(store).record("m", TOURS[0], "c-1", connection)
    Owners(store).put("m", TOURS[1], OwnerSettings(name="off", sync=False))
    assert permits.take_turn("m", TOURS[2], NOON).position == 1


def test_merchants_do_not_wait_for_each_other(store: Store, permits: CalendarPermits) -> None:
    for tour in TOURS[:LIMIT]:
        permits.take_turn("m", tour, NOON)
    Owners(store).put("other", TOURS[0], OwnerSettings(name="Tour"))
    assert permits.take_turn("other", TOURS[0], NOON).at == NOON
