from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from slotsync.errors import InputError
from starter.local.demo import SHIPPED_BOOKINGS
from starter.local.demo.bookings import Booking, create_reports, read_bookings

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def bookings() -> list[Booking]:
    return read_bookings(SHIPPED_BOOKINGS, TODAY)


def test_the_demo_ships_a_thousand_real_bookings(bookings: list[Booking]) -> None:
    assert len(bookings) == 1000
    assert sum(booking.cancelled_on is not None for booking in bookings) == 322


def test_guests_arrive_from_this_week_on_with_weekends_kept(bookings: list[Booking]) -> None:
    first = bookings[0].arrival
    assert 0 <= (TODAY - first).days < 7
    assert first.weekday() == date(2015, 7, 1).weekday()


def test_each_booking_is_reported_once_and_again_for_each_change_and_its_end(bookings: list[Booking]) -> None:
    reported = defaultdict(list)
    for report in create_reports(bookings):
        reported[report.reservation.id].append(report.reservation)
    for booking in bookings:
        snapshots = reported[f"B-{booking.number:05}"]
        moved = booking.assigned_room != booking.reserved_room
        assert len(snapshots) == 1 + booking.changes + moved + (booking.cancelled_on is not None)
        assert [each.version for each in snapshots] == list(range(1, len(snapshots) + 1)), "in order"
        assert snapshots[-1].cancelled == (booking.cancelled_on is not None)


def test_the_last_snapshot_is_as_the_hotel_recorded(bookings: list[Booking]) -> None:
    last = {report.reservation.id: report.reservation for report in create_reports(bookings)}
    for booking in bookings:
        (item,) = last[f"B-{booking.number:05}"].items
        assert (item.start, (item.end - item.start).days) == (booking.arrival, booking.nights)
        assert item.product == f"room-{booking.assigned_room.lower()}"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "has no bookings"), ("arrival_date_year\n2015\n", "line 2 of the bookings")],
)
def test_bad_bookings_are_refused_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bookings.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_bookings(file, TODAY)
