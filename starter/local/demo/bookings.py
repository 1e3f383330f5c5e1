"""Read the demo's bookings, and convert them to snapshots."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus
from slotsync.errors import InputError

MERCHANT = "resort-hotel"
WEEK = timedelta(weeks=1)

ROOM_NAMES = {
    "A": "Standard room",
    "B": "Twin room",
    "C": "Family room",
    "D": "Sea view",
    "E": "Superior room",
    "F": "Junior suite",
    "G": "Suite",
    "H": "Villa",
    "I": "Garden room",
    "L": "Loft",
    "P": "Penthouse",
}


class Report(Message):
    """One snapshot, and the day on which the platform reports it."""

    day: date
    reservation: Reservation


class Booking(Message):
    """One row of the hotel's records."""

    merchant: str = MERCHANT
    number: int
    arrival: date
    nights: int
    lead_days: int
    changes: int
    adults: int
    children: int
    country: str
    segment: str
    reserved_room: str
    assigned_room: str
    cancelled_on: date | None

    def moved_by(self, duration: timedelta) -> "Booking":
        """Return this booking, moved by a duration."""
        cancelled_on = self.cancelled_on + duration if self.cancelled_on else None
        return self.model_copy(update={"arrival": self.arrival + duration, "cancelled_on": cancelled_on})


def read_bookings(file: Path, today: date, limit: int | None = None) -> list[Booking]:
    """Return the first bookings of the file, moved by whole weeks so that the first guest arrives this week.

    Raises:
        InputError: the file has no bookings, or a line is no booking; the message names the line.
    """
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[:limit]
    if not rows:
        raise InputError(f"{file} has no bookings")
    bookings = [_booking(number, row) for number, row in enumerate(rows, 1)]
    moved = WEEK * ((today - bookings[0].arrival).days // 7)
    return [booking.moved_by(moved) for booking in bookings]


def create_reports(bookings: list[Booking], merchant: str = MERCHANT) -> list[Report]:
    """Return all reports of the platform, ordered by day: bookings, changes and cancellations mixed."""
    reports = [
        report
        for booking in bookings
        for report in _reports_for_booking(booking.model_copy(update={"merchant": merchant}))
    ]
    return sorted(reports, key=lambda report: (report.day, report.reservation.id, report.reservation.version))


def _booking(number: int, row: dict[str, str]) -> Booking:
    try:
        cancelled_on = datetime.strptime(row["reservation_status_date"], "%m/%d/%Y").date()  # noqa: DTZ007  a date
        return Booking(
            number=number,
            arrival=_arrival(row),
            nights=int(row["stays_in_weekend_nights"]) + int(row["stays_in_week_nights"]),
            lead_days=int(row["lead_time"]),
            changes=int(row["booking_changes"]),
            adults=int(row["adults"]),
            children=int(row["children"]) + int(row["babies"]),
            country=row["country"],
            segment=row["market_segment"],
            reserved_room=row["reserved_room_type"],
            assigned_room=row["assigned_room_type"],
            cancelled_on=cancelled_on if row["is_canceled"] == "1" else None,
        )
    except (KeyError, ValueError) as error:
        raise InputError(f"line {number + 1} of the bookings: {error}") from error


def _arrival(row: dict[str, str]) -> date:
    text = f"{row['arrival_date_year']} {row['arrival_date_month']} {row['arrival_date_day_of_month']}"
    return datetime.strptime(text, "%Y %B %d").date()  # noqa: DTZ007  a date


def _reports_for_booking(booking: Booking) -> Iterator[Report]:
    """Yield the booking, as many changes as the hotel recorded, the room assigned on arrival, and any cancellation.

    The records have only the number of changes; here each change but the last moves the arrival by up to a day.
    """
    booked = booking.arrival - timedelta(days=booking.lead_days)
    ended = max(booking.cancelled_on or booking.arrival, booked)
    last = booking.changes
    for change in range(last + 1):
        day = booked + (ended - booked) * change // (last + 1)
        offset = timedelta(days=0 if change == last else change % 3 - 1)
        yield Report(day=day, reservation=_snapshot(booking, change + 1, booking.reserved_room, offset))
    version = last + 2
    if booking.assigned_room != booking.reserved_room:
        yield Report(day=ended, reservation=_snapshot(booking, version, booking.assigned_room, timedelta()))
        version += 1
    if booking.cancelled_on:
        cancelled = _snapshot(booking, version, booking.assigned_room, timedelta())
        status = {"status": ReservationStatus.CANCELLED}
        yield Report(day=ended, reservation=cancelled.model_copy(update=status))


def _snapshot(booking: Booking, version: int, room: str, offset: timedelta) -> Reservation:
    start = booking.arrival + offset
    item = Item(product=f"room-{room.lower()}", start=start, end=start + timedelta(days=booking.nights))
    return Reservation(
        merchant=booking.merchant,
        id=f"B-{booking.number:05}",
        version=version,
        title=f"{_party(booking)}, {booking.segment}",
        items=(item,),
        guest=Guest(name=f"Guest of {booking.number}"),
        notes=f"From {booking.country}",
    )


def _party(booking: Booking) -> str:
    adults = f"{booking.adults} adult{'' if booking.adults == 1 else 's'}"
    if not booking.children:
        return adults
    return f"{adults}, {booking.children} child{'' if booking.children == 1 else 'ren'}"
