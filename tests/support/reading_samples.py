"""Readings and blocking rules of all kinds."""

from datetime import timedelta

from hypothesis import strategies as st

from slotsync.domain.availability.availability import Reading
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.intervals import Interval
from tests.support.interval_samples import NOON, interval

FRESH = timedelta(minutes=5)
ON_UNKNOWN = ("block", "sell", "last_known:1")


def reading(start: int, end: int, *busy: Interval, age: int = 0, error: str = "", call_failed: bool = False) -> Reading:
    """Return a reading of this many minutes ago."""
    read_at = NOON - timedelta(minutes=age)
    return Reading(
        interval=interval(start, end),
        read_at=read_at,
        good_until=read_at + FRESH,
        busy=busy,
        error=error,
        call_failed=call_failed,
    )


READINGS = st.builds(
    lambda start, length, busy, age, error, call: reading(
        start, start + length, *busy, age=age, error=error, call_failed=call and bool(error)
    ),
    st.integers(-5, 35),
    st.integers(1, 45),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(1, 8)).map(lambda t: interval(t[0], t[0] + t[1])), max_size=3),
    st.integers(0, 90),
    st.sampled_from(["", "", "", "notFound", "internalError"]),
    st.booleans(),
)
CALENDARS = st.dictionaries(
    st.sampled_from("abc"), st.lists(READINGS, max_size=4, unique_by=lambda each: each.read_at), max_size=3
)


RULES = st.builds(
    lambda on_unknown, before, after, needed: BlockingRule(
        on_unknown=on_unknown,
        before=timedelta(minutes=before),
        after=timedelta(minutes=after),
        free_needed=needed,
    ),
    st.sampled_from(ON_UNKNOWN),
    st.integers(0, 6),
    st.integers(0, 6),
    st.sampled_from([None, 1, 2, 3, 5]),
)
PICKED = st.lists(st.sampled_from("abc"), unique=True)
