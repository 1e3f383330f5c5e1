"""Which calendars and days to read next, and when.

A calendar is read every so often; at once after Google told of a change; and soon again after a failure. What is nearly
due is taken along, so that calendars that are read together stay together, in as few calls as Google allows.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from slotsync.domain.availability.horizon import FAR_EVERY, JITTER, STALE_AFTER, Chunk, Horizon, chunks
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.push_channels import SLOW_POLL
from slotsync.domain.messages import Message

NEAR_GAP: Final = timedelta(seconds=1)
FAR_GAP: Final = timedelta(minutes=1)
"""The least between two readings that a storm of changes causes: of the near days, and of the others."""

SOONEST_RETRY: Final = timedelta(seconds=5)
RETRY_SHARE: Final = 4
"""A failed reading is repeated after so great a part of the time for which it fails already."""


class Attempt(Message):
    """The newest attempt to read a calendar and a chunk; ``read_at`` is when one last succeeded."""

    at: datetime
    failed: bool = False
    read_at: datetime | None = None


class WatchedCalendar(Message):
    """A calendar that blocks some product. ``pushed``: Google tells of its changes; ``rung_at`` is when it last did.

    ``attempts`` are by the chunk's place in the horizon. It has no repr: its id may be somebody's address.
    """

    id: str
    calendar_id: str
    pushed: bool = False
    rung_at: datetime | None = None
    attempts: Mapping[int, Attempt] = {}

    def __repr__(self) -> str:
        return f"WatchedCalendar({self.id})"

    __str__ = __repr__


class Piece(Message):
    """A chunk to read now for these calendars, and for how long each of the readings will be believed.

    What the pieces say that are not ``far`` is told before the others are read.
    """

    chunk: int
    span: Interval
    far: bool
    calendars: tuple[WatchedCalendar, ...]
    good_for: tuple[timedelta, ...]


class ReadingPlan(Message):
    """What to read now, and when the next reading is due."""

    pieces: tuple[Piece, ...]
    next_at: datetime


def plan_reading(calendars: Sequence[WatchedCalendar], now: datetime, horizon: Horizon) -> ReadingPlan:
    """The plan for all calendars of one account."""
    numbered = list(enumerate(chunks(now, horizon)))
    dues = {number: [_due_at(each, number, chunk) for each in calendars] for number, chunk in numbered}
    pieces = tuple(
        piece for number, chunk in numbered if (piece := _piece(calendars, dues[number], number, chunk, now))
    )
    later = (due for number, _ in numbered for due in dues[number] if due and due > now)
    longest = now + horizon.poll
    return ReadingPlan(pieces=pieces, next_at=min(later, default=longest) if not pieces else now)


def _piece(
    calendars: Sequence[WatchedCalendar], dues: Sequence[datetime | None], number: int, chunk: Chunk, now: datetime
) -> Piece | None:
    if not any(due is None or due <= now for due in dues):
        return None
    soon = now + chunk.every / 2
    due_soon = (each for each, due in zip(calendars, dues, strict=True) if due is None or due <= soon)
    # The longest unread first: a call that nobody answers ends a round, and must not keep the others waiting for ever.
    taken = tuple(sorted(due_soon, key=lambda each: _attempted_at(each, number)))
    good_for = tuple(_every(each, chunk) * (1 + JITTER) * STALE_AFTER for each in taken)
    return Piece(chunk=number, span=chunk.span, far=_is_far(chunk), calendars=taken, good_for=good_for)


def _due_at(calendar: WatchedCalendar, number: int, chunk: Chunk) -> datetime | None:
    """When the calendar has to be read again; nothing if it never was."""
    attempt = calendar.attempts.get(number)
    if attempt is None:
        return None
    return min(_reasons(calendar, attempt, chunk))


def _reasons(calendar: WatchedCalendar, attempt: Attempt, chunk: Chunk) -> Iterator[datetime]:
    every = _every(calendar, chunk)
    yield attempt.at + every * (1 + JITTER * _spread(attempt, chunk))
    if attempt.failed:
        yield attempt.at + _patience(calendar, attempt, chunk)
    if calendar.rung_at and calendar.rung_at > attempt.at:
        yield max(calendar.rung_at, attempt.at + (FAR_GAP if _is_far(chunk) else NEAR_GAP))


def _attempted_at(calendar: WatchedCalendar, number: int) -> float:
    attempt = calendar.attempts.get(number)
    return attempt.at.timestamp() if attempt else 0


def _is_far(chunk: Chunk) -> bool:
    return chunk.every >= FAR_EVERY


def _every(calendar: WatchedCalendar, chunk: Chunk) -> timedelta:
    return max(chunk.every, SLOW_POLL) if calendar.pushed else chunk.every


def _patience(calendar: WatchedCalendar, attempt: Attempt, chunk: Chunk) -> timedelta:
    """How long to wait after a failure: ever longer since all was well, or since something changed."""
    known = [moment for moment in (attempt.read_at, calendar.rung_at) if moment and moment <= attempt.at]
    if not known:
        return min(chunk.every, SLOW_POLL)
    return min(max((attempt.at - max(known)) / RETRY_SHARE, SOONEST_RETRY), _every(calendar, chunk))


def _spread(attempt: Attempt, chunk: Chunk) -> float:
    """The same for all who ask, and for all that were read together and as often; between -1 and 1."""
    return zlib.crc32(f"{attempt.at.timestamp()}:{chunk.every}".encode()) / 2**31 - 1
