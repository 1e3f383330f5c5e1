"""The reading plan: which calendars and days to read next, and when.

A calendar is read once in each poll interval, immediately after a notification of a change, and soon after a failure.
Calendars that are nearly due are read together with those that are due, so that they stay together, in as few calls as
Google allows.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from slotsync.domain.availability.horizon import (
    FAR_POLL_INTERVAL,
    MAX_MISSED_POLLS,
    POLL_JITTER,
    Chunk,
    Horizon,
    split_horizon,
)
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.messages import Message
from slotsync.domain.retry_delays import reading_retry_delay

MIN_NEAR_READING_GAP: Final = timedelta(seconds=1)
MIN_FAR_READING_GAP: Final = timedelta(minutes=1)
"""The least time between two readings because of notifications: of the near days, and of the others."""


class ReadingAttempt(Message):
    """The newest attempt to read a calendar and a chunk; ``read_at`` is when one last succeeded.

    ``failing_since`` is the time of the first failure in a row, None if the newest attempt succeeded.
    """

    at: datetime
    failing_since: datetime | None = None
    read_at: datetime | None = None


class WatchedCalendar(Message):
    """A calendar that blocks some product. It has no repr, since its id may be a person's email address.

    ``pushed``: Google is believed to notify of its changes; ``notified_at`` is when it last did. ``attempts`` are by
    the chunk's number in the horizon.
    """

    id: str
    calendar_id: str
    pushed: bool = False
    notified_at: datetime | None = None
    attempts: Mapping[int, ReadingAttempt] = {}

    def has_unread_change(self, chunk: int) -> bool:
        """Return whether Google notified of a change since this chunk was last read."""
        attempt = self.attempts.get(chunk)
        read_at = attempt.read_at if attempt else None
        return bool(self.notified_at and read_at and self.notified_at > read_at)

    def __repr__(self) -> str:
        return f"WatchedCalendar({self.id})"

    __str__ = __repr__


class PlannedReading(Message):
    """A chunk to read now for these calendars, and for how long the reading of each will be valid.

    ``kept_for`` is for how long the last reading of a calendar that has changed since, as Google notified, stays valid
    after the first failure to read it again: as long as without push. Readings that are not ``far`` are published
    before the others are made.
    """

    chunk: int
    interval: Interval
    far: bool
    calendars: tuple[WatchedCalendar, ...]
    good_for: tuple[timedelta, ...]
    kept_for: timedelta


class ReadingPlan(Message):
    """The readings to make now, and when the next one is due."""

    readings: tuple[PlannedReading, ...]
    next_at: datetime


def plan_reading(calendars: Sequence[WatchedCalendar], now: datetime, horizon: Horizon) -> ReadingPlan:
    """Return the plan for all calendars of one account."""
    numbered = list(enumerate(split_horizon(now, horizon)))
    dues = {number: [_due_at(each, number, chunk) for each in calendars] for number, chunk in numbered}
    readings = tuple(
        reading for number, chunk in numbered if (reading := _plan_chunk(calendars, dues[number], number, chunk, now))
    )
    later = (due for number, _ in numbered for due in dues[number] if due and due > now)
    longest = now + horizon.poll
    return ReadingPlan(readings=readings, next_at=min(later, default=longest) if not readings else now)


def _plan_chunk(
    calendars: Sequence[WatchedCalendar], dues: Sequence[datetime | None], number: int, chunk: Chunk, now: datetime
) -> PlannedReading | None:
    if not any(due is None or due <= now for due in dues):
        return None
    soon = now + chunk.poll_interval / 2
    due_soon = (each for each, due in zip(calendars, dues, strict=True) if due is None or due <= soon)
    # The longest unread first: a call without an answer ends a round, and must not keep the others waiting for ever.
    taken = tuple(sorted(due_soon, key=lambda each: _attempted_at(each, number)))
    return PlannedReading(
        chunk=number,
        interval=chunk.interval,
        far=_is_far(chunk),
        calendars=taken,
        good_for=tuple(_validity(_poll_interval(each, chunk)) for each in taken),
        kept_for=_validity(chunk.poll_interval),
    )


def _validity(poll_interval: timedelta) -> timedelta:
    return poll_interval * (1 + POLL_JITTER) * MAX_MISSED_POLLS


def _due_at(calendar: WatchedCalendar, number: int, chunk: Chunk) -> datetime | None:
    """Return when the calendar has to be read again, or None if it never was read."""
    attempt = calendar.attempts.get(number)
    if attempt is None:
        return None
    return min(_due_times(calendar, attempt, chunk))


def _due_times(calendar: WatchedCalendar, attempt: ReadingAttempt, chunk: Chunk) -> Iterator[datetime]:
    yield attempt.at + _poll_interval(calendar, chunk) * (1 + POLL_JITTER * _spread(attempt, chunk))
    if attempt.failing_since:
        yield attempt.at + _retry_delay(calendar, attempt, attempt.failing_since, chunk)
    if calendar.notified_at and calendar.notified_at > attempt.at:
        yield max(calendar.notified_at, attempt.at + (MIN_FAR_READING_GAP if _is_far(chunk) else MIN_NEAR_READING_GAP))


def _attempted_at(calendar: WatchedCalendar, number: int) -> float:
    attempt = calendar.attempts.get(number)
    return attempt.at.timestamp() if attempt else 0


def _is_far(chunk: Chunk) -> bool:
    return chunk.poll_interval >= FAR_POLL_INTERVAL


def _poll_interval(calendar: WatchedCalendar, chunk: Chunk) -> timedelta:
    return max(chunk.poll_interval, PUSHED_POLL_INTERVAL) if calendar.pushed else chunk.poll_interval


def _retry_delay(
    calendar: WatchedCalendar, attempt: ReadingAttempt, failing_since: datetime, chunk: Chunk
) -> timedelta:
    """Return the delay after a failure: it grows with the time since the first failure, or a notification after it."""
    notified_at = calendar.notified_at
    told = notified_at if notified_at and failing_since < notified_at <= attempt.at else failing_since
    longest = _poll_interval(calendar, chunk) if attempt.read_at else min(chunk.poll_interval, PUSHED_POLL_INTERVAL)
    return reading_retry_delay(attempt.at - told, longest)


def _spread(attempt: ReadingAttempt, chunk: Chunk) -> float:
    """Return a number between -1 and 1, equal for all calendars that were read together and as often."""
    return zlib.crc32(f"{attempt.at.timestamp()}:{chunk.poll_interval}".encode()) / 2**31 - 1
