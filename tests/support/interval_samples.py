"""Intervals by the minute, and the simplest model of them: a set of minutes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from slotsync.domain.availability.intervals import Bounds, Interval

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LAST = 40

MinuteSet = set[int]


def interval(start: int, end: int) -> Interval:
    """Return the interval from one minute to another."""
    return Interval(start=NOON + timedelta(minutes=start), end=NOON + timedelta(minutes=end))


INTERVALS = st.lists(
    st.tuples(st.integers(0, LAST), st.integers(1, 10)).map(lambda drawn: interval(drawn[0], sum(drawn))), max_size=8
)


def minutes(intervals: Iterable[Interval]) -> MinuteSet:
    return minutes_in(each.bounds for each in intervals)


def minutes_in(pairs: Iterable[Bounds]) -> MinuteSet:
    return {
        minute
        for start, end in pairs
        for minute in range(int((start - NOON).total_seconds() // 60), int((end - NOON).total_seconds() // 60))
    }
