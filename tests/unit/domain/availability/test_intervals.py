"""Intervals against the simplest model: every minute by itself."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slotsync.domain.availability.intervals import (
    Bounds,
    Interval,
    covered_at_least,
    difference,
    intersection,
    merged,
    merged_intervals,
    padded,
    to_bounds,
)
from tests.support.interval_samples import INTERVALS, NOON, interval, minutes_in


def bounds(start: int, end: int) -> Bounds:
    return interval(start, end).bounds


PAIRS = INTERVALS.map(to_bounds)


def is_tidy(pairs: list[Bounds]) -> bool:
    return all(one[1] < other[0] for one, other in pairwise(pairs))


@given(PAIRS)
def test_merging_keeps_every_minute_and_leaves_gaps_between(pairs: list[Bounds]) -> None:
    assert minutes_in(merged(pairs)) == minutes_in(pairs)
    assert is_tidy(merged(pairs))


@given(PAIRS, PAIRS)
def test_intersection_and_difference_are_those_of_sets_of_minutes_in(some: list[Bounds], others: list[Bounds]) -> None:
    assert minutes_in(intersection(some, others)) == minutes_in(some) & minutes_in(others)
    assert minutes_in(difference(some, others)) == minutes_in(some) - minutes_in(others)
    assert is_tidy(intersection(some, others))
    assert is_tidy(difference(some, others))


@given(st.lists(PAIRS, max_size=4), st.integers(1, 4))
def test_a_minute_is_covered_when_that_many_sets_have_it(sets: list[list[Bounds]], times: int) -> None:
    counts = Counter(minute for each in sets for minute in minutes_in(each))
    found = covered_at_least(sets, times)
    assert minutes_in(found) == {minute for minute, count in counts.items() if count >= times}
    assert is_tidy(found)


def test_intervals_that_only_touch_do_not_overlap() -> None:
    assert not interval(0, 5).overlaps(interval(5, 9))
    assert merged_intervals([interval(5, 9), interval(0, 5)]) == (interval(0, 9),)


def test_padding_makes_each_longer_and_merges_what_then_overlaps() -> None:
    padding = timedelta(minutes=15)
    assert padded([bounds(0, 10), bounds(30, 40)], padding, padding) == [bounds(-15, 55)]


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(seconds=1)])
def test_an_interval_has_a_length(end: datetime) -> None:
    with pytest.raises(ValidationError, match="ends before it has begun"):
        Interval(start=NOON, end=end)


def test_an_interval_is_kept_in_utc() -> None:
    read = Interval.model_validate({"start": "2026-11-22T14:00:00+02:00", "end": "2026-11-22T13:00:00Z"})
    assert read == Interval(start=NOON, end=NOON + timedelta(hours=1))
    assert read.start.tzinfo is UTC
