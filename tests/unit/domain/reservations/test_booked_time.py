from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.booked_time import BookedTime, booked_times, overlapping_times
from slotsync.domain.reservations.snapshot import Item, Reservation

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOM = Owner.product("room")


def item(start: str, end: str, product: str = "room", **more: object) -> Item:
    return Item.model_validate({"product": product, "start": start, "end": end, **more})


def of(*items: Item, zone: str = "UTC", status: str = "confirmed") -> list[BookedTime]:
    result = {"merchant": "m", "id": "R-1", "version": 1, "status": status, "items": items}
    return booked_times(Reservation.model_validate(result), {ROOM: zone})


def interval(start: str, end: str) -> Interval:
    return Interval.model_validate({"start": start, "end": end})


@pytest.mark.parametrize("status", ["confirmed", "tentative"])
def test_each_item_needs_its_product(status: str) -> None:
    first = item("2027-07-01T18:00:00+03:00", "2027-07-01T20:00:00+03:00")
    second = item("2027-07-02T18:00:00Z", "2027-07-02T20:00:00Z", "tour", id="b", resources=["guide"])
    assert of(first, second, status=status) == [
        BookedTime(
            reservation="R-1",
            item="1",
            product="room",
            interval=interval("2027-07-01T15:00:00Z", "2027-07-01T17:00:00Z"),
        ),
        BookedTime(
            reservation="R-1",
            item="b",
            product="tour",
            interval=interval("2027-07-02T18:00:00Z", "2027-07-02T20:00:00Z"),
        ),
    ]


@pytest.mark.parametrize(
    ("start", "end", "zone", "expected"),
    [
        ("2027-07-01", "2027-07-03", "UTC", interval("2027-07-01T00:00:00Z", "2027-07-03T00:00:00Z")),
        ("2027-07-01", "2027-07-03", "Pacific/Kiritimati", interval("2027-06-30T10:00:00Z", "2027-07-02T10:00:00Z")),
        ("2027-07-01", "2027-07-03", "Pacific/Niue", interval("2027-07-01T11:00:00Z", "2027-07-03T11:00:00Z")),
        ("2027-03-27", "2027-03-29", "Europe/Helsinki", interval("2027-03-26T22:00:00Z", "2027-03-28T21:00:00Z")),
        ("2027-07-01", "2027-07-01", "UTC", interval("2027-07-01T00:00:00Z", "2027-07-02T00:00:00Z")),
    ],
    ids=["utc", "far-east", "far-west", "clocks-change", "no-night"],
)
def test_nights_are_from_midnight_to_midnight_where_the_product_is(
    start: str, end: str, zone: str, expected: Interval
) -> None:
    assert [each.interval for each in of(item(start, end), zone=zone)] == [expected]


def test_what_is_cancelled_needs_nothing() -> None:
    moment = "2027-07-01T18:00:00Z"
    assert of(item(moment, "2027-07-01T20:00:00Z"), status="cancelled") == []


intervals = st.builds(
    lambda start, length: Interval(start=NOON + timedelta(hours=start), end=NOON + timedelta(hours=start + length)),
    st.integers(0, 40),
    st.integers(1, 8),
)


@given(st.lists(intervals), st.lists(intervals))
def test_those_that_are_met_are_those_that_meet_any(times: list[Interval], busy: list[Interval]) -> None:
    booked = [BookedTime(reservation="R", item=str(n), product="p", interval=each) for n, each in enumerate(times)]
    assert [*overlapping_times(booked, busy)] == [
        each for each in booked if any(each.interval.overlaps(other) for other in busy)
    ]
