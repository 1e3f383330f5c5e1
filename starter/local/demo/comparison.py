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


class SeenEvent(TypedDict, total=False):
    """What the comparison reads of an event in Google."""

    status: str
    summary: str
    start: dict[str, str]
    end: dict[str, str]
    extendedProperties: dict[str, dict[str, str]]


class Line(Message):
    """What a person sees of one stay: in which calendar, from which day to which, under which title."""

    calendar: str
    start: str
    end: str
    title: str


class Comparison(Message):
    """How many events are as they should be, and how many are not, with the reservations they belong to."""

    right: int = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def perfect(self) -> bool:
        """Whether nothing is missing, extra, doubled or wrong."""
        return not (self.missing or self.extra or self.doubled or self.wrong)


def compare(expected: dict[str, Line], found: Iterable[tuple[str, Line]]) -> Comparison:
    """``expected`` by reservation; ``found`` are all events with the reservation that each names ('' for none)."""
    seen: dict[str, list[Line]] = {}
    for reservation, line in found:
        seen.setdefault(reservation, []).append(line)
    return Comparison(
        right=sum(seen.get(each) == [line] for each, line in expected.items()),
        missing=tuple(each for each in expected if each not in seen),
        extra=tuple(each for each, lines in seen.items() if each not in expected for _ in lines),
        doubled=tuple(each for each, lines in seen.items() if each in expected and len(lines) > 1),
        wrong=tuple(each for each, line in expected.items() if each in seen and line not in seen[each]),
    )


def expected_lines(final: Iterable[Reservation], calendars: dict[str, str]) -> dict[str, Line]:
    """What the newest snapshots mean; ``calendars`` names the calendar of each product."""
    return {each.id: _expected(each, calendars) for each in final if not each.cancelled}


async def found_lines(google: httpx.AsyncClient, email: str) -> list[tuple[str, Line]]:
    """Every event in the account's calendars, whoever made it."""
    calendars = (await google.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status().json()["items"]
    found = []
    for calendar in calendars:
        address = f"/sandbox/accounts/{email}/calendars/{calendar['id']}/events"
        events = (await google.get(address)).raise_for_status().json()["items"]
        found += [_found(calendar["summary"], event) for event in events if event["status"] != "cancelled"]
    return found


def _expected(reservation: Reservation, calendars: dict[str, str]) -> Line:
    (item,) = reservation.items
    start, end = item.start, item.end
    # Google has no all-day event without a day: a guest who leaves on the day of arrival takes that day.
    shown_until = start + timedelta(days=1) if end == start else end
    return Line(
        calendar=calendars[item.product],
        start=date.isoformat(start),
        end=date.isoformat(shown_until),
        title=reservation.title,
    )


def _found(calendar: str, event: SeenEvent) -> tuple[str, Line]:
    private = event.get("extendedProperties", {}).get("private", {})
    line = Line(
        calendar=calendar,
        start=event["start"].get("date", ""),
        end=event["end"].get("date", ""),
        title=event.get("summary", ""),
    )
    return private.get("reservation", ""), line


def counted(comparison: Comparison) -> dict[str, int]:
    """The comparison in numbers."""
    return {
        "right": comparison.right,
        "missing": len(comparison.missing),
        "extra": len(comparison.extra),
        "doubled": len(comparison.doubled),
        "wrong": len(comparison.wrong),
    }
