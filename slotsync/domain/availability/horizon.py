"""The days ahead that are read, in chunks that one call to Google can answer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeVar

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message

LONGEST: Final = timedelta(days=60)
"""What one query may ask for: Google answers ``timeRangeTooLong`` beyond 60 to 92 days."""

MOST_CALENDARS: Final = 50
"""What one query may name."""

FAR_EVERY: Final = timedelta(hours=1)
JITTER: Final = 0.25
STALE_AFTER: Final = 3
"""A reading that has missed so many rounds, jitter included, is no longer believed."""

OVERLAP: Final = timedelta(days=1)
"""Pieces move on with the day, and are not all read at once: between one that has moved on and one before it that has
not, there must be no gap."""

Item = TypeVar("Item")


class Horizon(Message):
    """How far ahead is looked at all, how far it is looked often, and how often that is.

    ``near_days`` counts yesterday, too; today is always near.
    """

    days: int = 550
    near_days: int = 60
    poll: timedelta = timedelta(seconds=60)


class Chunk(Message):
    """A piece of the horizon that is read with one query, every so often."""

    span: Interval
    every: timedelta


def chunks(now: datetime, horizon: Horizon) -> list[Chunk]:
    """The whole horizon in pieces, each of which begins a day before the last one ends, the near ones first.

    Begins with yesterday in UTC, so that sixty near days are one query whatever the hour, and that an event which ended
    before midnight is known while its padding lasts. Ends two days late: it is yesterday still in Niue, and tomorrow
    already in Kiritimati.
    """
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    first = today - timedelta(days=1)
    far = first + timedelta(days=max(horizon.near_days, 2))
    last = today + timedelta(days=max(horizon.days, horizon.near_days) + 2)
    near = [Chunk(span=each, every=horizon.poll) for each in _pieces(first, far)]
    return [*near, *(Chunk(span=each, every=max(FAR_EVERY, horizon.poll)) for each in _pieces(far - OVERLAP, last))]


def batches(calendars: Sequence[Item]) -> list[Sequence[Item]]:
    """Calendars in groups that one query may name."""
    return [calendars[first : first + MOST_CALENDARS] for first in range(0, len(calendars), MOST_CALENDARS)]


def _pieces(start: datetime, end: datetime) -> Iterator[Interval]:
    stop = start
    while stop < end:
        stop = min(start + LONGEST, end)
        yield Interval(start=start, end=stop)
        start = stop - OVERLAP
