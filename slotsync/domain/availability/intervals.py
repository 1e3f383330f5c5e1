"""Half-open intervals of time in UTC, and computations with them.

``Interval`` is the type of messages and answers. Computations work with ``Bounds``, plain pairs: a year has many, and
models are slow to make. Each computation is one sweep over the instants at which an interval begins or ends.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, field_validator, model_validator

from slotsync.domain.messages import Message

Bounds = tuple[datetime, datetime]
"""An interval as a pair: from the first instant until just before the second; never empty."""

_Step = tuple[datetime, int]


class Interval(Message):
    """From ``start`` until just before ``end``, both in UTC; never empty."""

    start: AwareDatetime
    end: AwareDatetime

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        return moment.astimezone(UTC)

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.start >= self.end:
            raise ValueError("ends before it has begun")
        return self

    def __hash__(self) -> int:
        return hash((self.start, self.end))

    def overlaps(self, other: "Interval") -> bool:
        """Return whether the two have an instant in common."""
        return self.start < other.end and other.start < self.end

    @property
    def bounds(self) -> Bounds:
        """The interval as a pair."""
        return self.start, self.end


def nights(arrival: date, departure: date, zone: ZoneInfo) -> Interval:
    """Return the time from midnight to midnight in a time zone; a stay without nights takes the whole of its day."""
    days = (arrival, max(departure, arrival + timedelta(days=1)))
    start, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in days)
    return Interval(start=start, end=end)


def to_intervals(pairs: Iterable[Bounds]) -> tuple[Interval, ...]:
    """Return pairs as intervals."""
    return tuple(Interval(start=start, end=end) for start, end in pairs)


def to_bounds(intervals: Iterable[Interval]) -> list[Bounds]:
    """Return intervals as pairs."""
    return [each.bounds for each in intervals]


def merged_intervals(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return the instants of all intervals in as few intervals as possible, in order; those that touch become one."""
    return to_intervals(merged(to_bounds(intervals)))


def merged(pairs: Iterable[Bounds]) -> list[Bounds]:
    """Return the instants of all pairs in as few pairs as possible, in order; those that touch become one."""
    return _at_height(_steps(pairs), 1)


def split_intervals(intervals: Iterable[Interval], longest: timedelta) -> tuple[Interval, ...]:
    """Return intervals that cover the given ones, in order, each no longer than ``longest``; as few as possible."""
    found: list[Bounds] = []
    for start, end in merged(to_bounds(intervals)):
        moment = start
        while moment < end:
            begun = found.pop()[0] if found and moment < found[-1][0] + longest else moment
            moment = min(end, begun + longest)
            found.append((begun, moment))
    return to_intervals(found)


def covered_at_least(sets: Iterable[Iterable[Bounds]], count: int) -> list[Bounds]:
    """Return the instants that are in at least ``count`` of the sets, merged."""
    return _at_height((step for each in sets for step in _steps(merged(each))), count)


def intersection(some: Iterable[Bounds], others: Iterable[Bounds]) -> list[Bounds]:
    """Return the instants that are in both, merged."""
    return covered_at_least([some, others], 2)


def difference(some: Iterable[Bounds], holes: Iterable[Bounds]) -> list[Bounds]:
    """Return the instants of ``some`` that are in none of the holes, merged."""
    removed = ((moment, -step) for moment, step in _steps(merged(holes)))
    return _at_height([*_steps(merged(some)), *removed], 1)


def padded(pairs: Iterable[Bounds], before: timedelta, after: timedelta) -> list[Bounds]:
    """Return the pairs, each made longer by ``before`` and ``after``, merged."""
    return merged((start - before, end + after) for start, end in pairs)


def _steps(pairs: Iterable[Bounds]) -> Iterator[_Step]:
    for start, end in pairs:
        yield start, 1
        yield end, -1


def _at_height(steps: Iterable[_Step], height: int) -> list[Bounds]:
    """Return where the sum of all steps so far is at least ``height``; at one instant, steps down come first."""
    found: list[Bounds] = []
    start: datetime | None = None
    current = 0
    for moment, step in sorted(steps):
        current += step
        if start is None and current >= height:
            start = found.pop()[0] if found and found[-1][1] == moment else moment
        elif start is not None and current < height:
            found.append((start, moment))
            start = None
    return found
