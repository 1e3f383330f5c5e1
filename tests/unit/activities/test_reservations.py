"""The records that a round writes before it begins."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.reservations import ReservationActivities
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.reservations.messages import RoundRequest
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BookedTimes
from tests.support.samples import MERCHANT, TOUR, item, settings_of, snapshot

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/slotsync.db")
    store.upgrade()
    yield store
    store.close()


def record(store: Store, reservation: Reservation) -> list[Interval]:
    """Record the reservation, and return when its products are needed."""
    ReservationActivities(store).read_inputs(RoundRequest(reservation=reservation, now=NOW))
    return [each.interval for each in BookedTimes(store).get_times(MERCHANT, "R-1")]


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
