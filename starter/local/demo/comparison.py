"""Compare Google's calendars with the reservations, event by event.

It shares nothing with the code that writes events: it reads what the user of the account would see, with all details,
and works out from the bookings alone what should be there.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypedDict

import httpx

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation


class CalendarEvent(TypedDict, total=False):
    """The fields of a Google event that the comparison reads."""

    status: str
    summary: str
    start: dict[str, str]
    end: dict[str, str]
    extendedProperties: dict[str, dict[str, str]]


class CalendarEntry(Message):
    """One stay as a person sees it: calendar, first day, day of departure, title."""

    calendar: str
    start: str
    end: str
    title: str


class Comparison(Message):
    """The number of correct events, and the reservations of all events that are missing, extra, doubled or wrong."""

    right: int = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def perfect(self) -> bool:
        """True if nothing is missing, extra, doubled or wrong."""
        return not (self.missing or self.extra or self.doubled or self.wrong)


def compare(expected: dict[str, CalendarEntry], found: Iterable[tuple[str, CalendarEntry]]) -> Comparison:
    """Compare the expected entries, by reservation, with all entries found and their reservations ('' for none)."""
    actual: dict[str, list[CalendarEntry]] = {}
    for reservation, entry in found:
        actual.setdefault(reservation, []).append(entry)
    return Comparison(
        right=sum(actual.get(each) == [entry] for each, entry in expected.items()),
        missing=tuple(each for each in expected if each not in actual),
        extra=tuple(each for each, entries in actual.items() if each not in expected for _ in entries),
        doubled=tuple(each for each, entries in actual.items() if each in expected and len(entries) > 1),
        wrong=tuple(each for each, entry in expected.items() if each in actual and entry not in actual[each]),
    )


def expected_entries(final: Iterable[Reservation], calendars: dict[str, str]) -> dict[str, CalendarEntry]:
    """Return the entry of each newest snapshot, by reservation. ``calendars`` maps products to calendar names."""
    return {each.id: _expected_entry(each, calendars) for each in final if not each.cancelled}


async def read_entries(google: httpx.AsyncClient, email: str) -> list[tuple[str, CalendarEntry]]:
    """Return all entries in the account's calendars with their reservations, also those that others wrote."""
    calendars = (await google.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status().json()["items"]
    entries = []
    for calendar in calendars:
        address = f"/sandbox/accounts/{email}/calendars/{calendar['id']}/events"
        events = (await google.get(address)).raise_for_status().json()["items"]
        entries += [_parse_event(calendar["summary"], event) for event in events if event["status"] != "cancelled"]
    return entries


def _expected_entry(reservation: Reservation, calendars: dict[str, str]) -> CalendarEntry:
    (item,) = reservation.items
    start, end = item.start, item.end
    # An all-day event in Google lasts at least one day: a guest who leaves on the day of arrival takes that day.
    event_end = start + timedelta(days=1) if end == start else end
    return CalendarEntry(
        calendar=calendars[item.product],
        start=date.isoformat(start),
        end=date.isoformat(event_end),
        title=reservation.title,
    )


def _parse_event(calendar: str, event: CalendarEvent) -> tuple[str, CalendarEntry]:
    private = event.get("extendedProperties", {}).get("private", {})
    entry = CalendarEntry(
        calendar=calendar,
        start=event["start"].get("date", ""),
        end=event["end"].get("date", ""),
        title=event.get("summary", ""),
    )
    return private.get("slotsyncReservation", ""), entry


def count_events(comparison: Comparison) -> dict[str, int]:
    """Return the number of events by result."""
    return {
        "right": comparison.right,
        "missing": len(comparison.missing),
        "extra": len(comparison.extra),
        "doubled": len(comparison.doubled),
        "wrong": len(comparison.wrong),
    }
