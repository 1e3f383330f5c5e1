from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BOOKED_TIME_RETENTION, BookedTimes
from slotsync.store.reservations.conflicts import Conflicts, drop_conflicts
from tests.support.stored_reservations import store_version

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def hours(start: float, end: float) -> Interval:
    return Interval(start=NOW + timedelta(hours=start), end=NOW + timedelta(hours=end))


def booked(item: str, start: float, end: float, product: str = "tour", reservation: str = "R-1") -> BookedTime:
    return BookedTime(reservation=reservation, item=item, product=product, interval=hours(start, end))


class Radar:
    """The booked times of a merchant, each call in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._times = BookedTimes(store)
        self._conflicts = Conflicts(store)

    def book(self, *times: BookedTime, reservation: str = "R-1", now: datetime = NOW) -> None:
        with self._store.write() as connection:
            self._times.replace(connection, "m", reservation, times, now)

    def busy(self, *busy: Interval, product: str = "tour", merchant: str = "m", now: datetime = NOW) -> list[str]:
        """Return the reservations in conflict with these new busy times."""
        with self._store.write() as connection:
            found = self._times.mark_conflicts(connection, merchant, product, busy, now)
        return [f"{each.reservation}/{each.item}" for each in found]

    def end_conflicts(self, *spans: Interval) -> None:
        with self._store.write() as connection:
            self._times.end_conflicts(connection, "m", "tour", spans, LATER)

    def listed(self) -> list[tuple[str, datetime | None]]:
        """Return the items of all conflicts, and when each was over."""
        return [(f"{each.reservation}/{each.item}", each.resolved_at) for each in self._conflicts.find("m", 99)]

    def drop(self, product: str | None = None) -> None:
        with self._store.write() as connection:
            drop_conflicts(connection, "m", product)

    def known(self, reservation: str = "R-1") -> list[BookedTime]:
        return self._times.get_times("m", reservation)


@pytest.fixture
def radar(store: Store) -> Radar:
    return Radar(store)


def test_the_times_of_a_reservation_are_those_it_was_given_last(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4))
    radar.book(booked("3", 1, 2, reservation="R-2"), reservation="R-2")
    radar.book(booked("2", 5, 6), booked("9", 7, 8, "kayak"))
    assert radar.known() == [booked("2", 5, 6), booked("9", 7, 8, "kayak")]
    radar.book()
    assert radar.known() == []
    assert radar.known("R-2") == [booked("3", 1, 2, reservation="R-2")]


def test_a_conflict_is_found_once(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4), booked("3", 5, 6))
    assert radar.busy(hours(1.5, 1.6), hours(3.5, 9)) == ["R-1/1", "R-1/2", "R-1/3"]
    assert radar.busy(hours(0, 9)) == []


@pytest.mark.parametrize("busy", [hours(0, 1), hours(2, 3), hours(-5, -4)], ids=["before", "after", "long-ago"])
def test_what_only_touches_is_no_conflict(radar: Radar, busy: Interval) -> None:
    radar.book(booked("1", 1, 2))
    assert radar.busy(busy) == []
    assert radar.busy() == []


def test_only_this_product_of_this_merchant_is_looked_at(radar: Radar) -> None:
    radar.book(booked("1", 1, 2))
    assert radar.busy(hours(0, 9), product="kayak") == []
    assert radar.busy(hours(0, 9), merchant="another") == []


def test_what_is_over_has_no_conflict_any_more(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 1, 3))
    assert radar.busy(hours(0, 9), now=NOW + timedelta(hours=2)) == ["R-1/2"]


def test_a_resolved_conflict_is_found_again(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4))
    radar.busy(hours(0, 9))
    radar.end_conflicts(hours(0, 1.5))
    assert radar.busy(hours(0, 9)) == ["R-1/2"]
    radar.end_conflicts()
    assert radar.busy(hours(0, 9)) == ["R-1/1", "R-1/2"]


def test_a_conflict_is_listed_until_long_after_either_side_has_moved(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4), booked("3", 5, 6))
    radar.busy(hours(0, 9))
    assert radar.listed() == [("R-1/1", None), ("R-1/2", None), ("R-1/3", None)]
    radar.end_conflicts(hours(0, 4))
    radar.book(booked("1", 1, 2), booked("2", 7, 8), now=LATER)
    assert radar.listed() == [("R-1/1", None), ("R-1/2", LATER), ("R-1/3", LATER)]
    radar.busy(hours(0, 9), now=LATER)
    assert radar.listed()[3:] == [("R-1/2", None)]


def test_a_conflict_goes_on_with_the_item_that_takes_its_time(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4))
    radar.busy(hours(0, 9))
    radar.book(booked("1", 3, 4), now=LATER)
    assert radar.listed() == [("R-1/1", LATER), ("R-1/1", None)]
    radar.book(booked("1", 3, 4), booked("2", 3, 4), booked("3", 3, 4), now=LATER)
    assert radar.busy(hours(3, 4)) == ["R-1/2", "R-1/3"]


def test_what_shows_when_calendars_were_busy_is_forgotten_with_them(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4), booked("3", 5, 6, "kayak"))
    radar.busy(hours(0, 9))
    radar.busy(hours(0, 9), product="kayak", now=LATER)
    radar.drop("tour")
    assert radar.listed() == [("R-1/3", None)]
    radar.end_conflicts(hours(0, 2))
    assert radar.listed() == [("R-1/1", None), ("R-1/3", None)], "with what is still read, a conflict goes on"
    radar.drop()
    assert radar.listed() == []


def test_conflicts_with_one_start_are_told_apart(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 1, 3))
    radar.busy(hours(0, 9))
    radar.book(booked("1", 1, 3), booked("2", 1, 2), now=LATER)
    assert sorted(radar.listed()) == [("R-1/1", None), ("R-1/2", None)]


def test_a_new_version_keeps_the_conflict_of_an_item_that_stays(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4), booked("3", 5, 6))
    radar.busy(hours(0, 9))
    radar.book(booked("1", 1, 2), booked("2", 3, 4.5), booked("3", 5, 6, "kayak"), booked("4", 6, 7))
    assert radar.busy(hours(0, 9)) == ["R-1/2", "R-1/4"]
    assert radar.busy(hours(0, 9), product="kayak") == ["R-1/3"]


def test_an_item_that_is_numbered_anew_keeps_its_conflict(radar: Radar) -> None:
    radar.book(booked("1", 1, 2), booked("2", 3, 4))
    assert radar.busy(hours(3, 4)) == ["R-1/2"]
    radar.book(booked("1", 3, 4))
    assert radar.busy(hours(3, 4)) == []
    assert radar.known() == [booked("1", 3, 4)]


def test_what_has_been_over_for_long_is_forgotten_with_the_next_booking(radar: Radar) -> None:
    later = NOW + timedelta(hours=2.5) + BOOKED_TIME_RETENTION
    radar.book(booked("1", 1, 2), booked("2", 1, 3), booked("3", 1, 2, "kayak"))
    radar.book(booked("1", 2000, 2001, reservation="R-2"), reservation="R-2", now=later)
    assert radar.known() == [booked("2", 1, 3), booked("3", 1, 2, "kayak")]
    radar.book(booked("1", 1, 2), booked("2", 1, 3), now=later)
    assert radar.known() == [booked("2", 1, 3)]


def begin(store: Store, version: int, times: Sequence[BookedTime]) -> bool:
    return store_version(store, version, NOW, booked=times)


def test_an_older_version_moves_nothing(store: Store, radar: Radar) -> None:
    assert begin(store, 2, [booked("1", 1, 2)])
    assert not begin(store, 1, [booked("1", 3, 4)])
    assert radar.known() == [booked("1", 1, 2)]


def test_versions_and_busy_times_that_come_at_once_end_in_the_newest_with_one_conflict_each(
    store: Store, radar: Radar
) -> None:
    tasks = [*range(60)]
    Random(1).shuffle(tasks)

    def work(task: int) -> list[str]:
        begin(store, task, [booked(str(n), n + task / 100, n + 1 + task / 100) for n in range(5)])
        return radar.busy(hours(0, 9))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, tasks))
    assert radar.known() == [booked(str(n), n + 0.59, n + 1.59) for n in range(5)]
    assert radar.busy(hours(0, 9)) == []
