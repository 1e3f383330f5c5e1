"""The horizon: the days ahead that are read, in chunks that one call to Google can answer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeVar

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message

MAX_QUERY_DURATION: Final = timedelta(days=60)
"""The longest interval that one query may ask for: Google answers ``timeRangeTooLong`` beyond 60 to 92 days."""

MAX_CALENDARS_PER_QUERY: Final = 50
"""The most calendars that one query may name."""

FAR_POLL_INTERVAL: Final = timedelta(hours=1)
"""The interval of polls after the near days."""

POLL_JITTER: Final = 0.25
"""The share of a poll interval by which it is made longer or shorter at random."""

MAX_MISSED_POLLS: Final = 3
"""A reading that has missed this many polls, jitter included, is no longer valid."""

CHUNK_OVERLAP: Final = timedelta(days=1)
"""Chunks move on with the day, but are not all read at the same time: there must be no gap between a chunk that has
moved on and the one before it that has not."""

Item = TypeVar("Item")


class Horizon(Message):
    """The number of days ahead that are read, how many of them are near, and how often the near ones are polled.

    ``near_days`` counts yesterday, too; today is always near.
    """

    days: int = 550
    near_days: int = 60
    poll: timedelta = timedelta(seconds=60)


class Chunk(Message):
    """A part of the horizon that is read with one query, once in each poll interval."""

    interval: Interval
    poll_interval: timedelta


def split_horizon(now: datetime, horizon: Horizon) -> list[Chunk]:
    """Return the whole horizon in chunks, the near ones first; each begins a day before the one before it ends.

    Begins with yesterday in UTC, so that sixty near days are one query whatever the hour, and that an event which ended
    before midnight is known while its padding lasts. Ends two days late: it is still yesterday in Niue, and already
    tomorrow in Kiritimati.
    """
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    first = today - timedelta(days=1)
    far = first + timedelta(days=max(horizon.near_days, 2))
    last = today + timedelta(days=max(horizon.days, horizon.near_days) + 2)
    near = [Chunk(interval=each, poll_interval=horizon.poll) for each in _split(first, far)]
    far_interval = max(FAR_POLL_INTERVAL, horizon.poll)
    return [*near, *(Chunk(interval=each, poll_interval=far_interval) for each in _split(far - CHUNK_OVERLAP, last))]


def split_into_batches(calendars: Sequence[Item]) -> list[Sequence[Item]]:
    """Return the calendars in batches that one query may name."""
    starts = range(0, len(calendars), MAX_CALENDARS_PER_QUERY)
    return [calendars[start : start + MAX_CALENDARS_PER_QUERY] for start in starts]


def _split(start: datetime, end: datetime) -> Iterator[Interval]:
    stop = start
    while stop < end:
        stop = min(start + MAX_QUERY_DURATION, end)
        yield Interval(start=start, end=stop)
        start = stop - CHUNK_OVERLAP
