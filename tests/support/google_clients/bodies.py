"""Events and times for the scenarios."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import Event

NOON = datetime(2026, 12, 7, 12, tzinfo=UTC)
DAY = (datetime(2026, 12, 7, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC))


def timed(start: datetime = NOON, hours: float = 1, **fields: object) -> Event:
    """Return the body of an event of ``hours`` hours."""
    end = start + timedelta(hours=hours)
    times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}}
    return cast("Event", {"summary": "Sunset tour", **times, **fields})


def all_day(first: date, nights: int = 1, **fields: object) -> Event:
    """Return the body of an all-day event; its end is the day after the last one."""
    end = first + timedelta(days=nights)
    days = {"start": {"date": first.isoformat()}, "end": {"date": end.isoformat()}}
    return cast("Event", {"summary": "Room 12", **days, **fields})


def private(**properties: str) -> dict[str, dict[str, str]]:
    """Return extended properties that only this calendar's copy of the event has."""
    return {"private": properties}


def starts_at(event: Event) -> datetime:
    """Return the instant at which a timed event starts, in any zone."""
    return datetime.fromisoformat(event["start"]["dateTime"])
