from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slotsync.rules.span import Span, merged, overlapped, padded, shared, without

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LAST = 40

Minutes = set[int]


def span(start: int, end: int) -> Span:
    """From one minute to another."""
    return Span(start=NOON + timedelta(minutes=start), end=NOON + timedelta(minutes=end))


SPANS = st.lists(
    st.tuples(st.integers(0, LAST), st.integers(1, 10)).map(lambda told: span(told[0], told[0] + told[1])), max_size=8
)


def minutes(spans: tuple[Span, ...] | list[Span]) -> Minutes:
    """The simplest model: every minute by itself."""
    return {
        minute
        for each in spans
        for minute in range(
            int((each.start - NOON).total_seconds() // 60), int((each.end - NOON).total_seconds() // 60)
        )
    }


def is_tidy(spans: tuple[Span, ...]) -> bool:
    return all(one.end < other.start for one, other in pairwise(spans))


@given(SPANS)
def test_merging_keeps_every_minute_and_leaves_gaps_between(spans: list[Span]) -> None:
    assert minutes(merged(spans)) == minutes(spans)
    assert is_tidy(merged(spans))


@given(SPANS, SPANS)
def test_what_is_shared_and_what_is_left_over_are_the_minutes_of_sets(some: list[Span], others: list[Span]) -> None:
    assert minutes(shared(some, others)) == minutes(some) & minutes(others)
    assert minutes(without(some, others)) == minutes(some) - minutes(others)
    assert is_tidy(shared(some, others))
    assert is_tidy(without(some, others))


@given(st.lists(SPANS, max_size=4), st.integers(1, 4))
def test_a_minute_is_overlapped_when_that_many_sets_have_it(sets: list[list[Span]], times: int) -> None:
    counts = Counter(minute for each in sets for minute in minutes(each))
    found = overlapped(sets, times)
    assert minutes(found) == {minute for minute, count in counts.items() if count >= times}
    assert is_tidy(found)


def test_spans_that_only_touch_have_no_moment_in_common() -> None:
    assert not span(0, 5).meets(span(5, 9))
    assert merged([span(5, 9), span(0, 5)]) == (span(0, 9),)


def test_padding_makes_each_longer_and_merges_what_then_meets() -> None:
    padding = timedelta(minutes=15)
    assert padded([span(0, 10), span(30, 40)], padding, padding) == (span(-15, 55),)


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(seconds=1)])
def test_a_span_has_a_length(end: datetime) -> None:
    with pytest.raises(ValidationError, match="ends before it has begun"):
        Span(start=NOON, end=end)


def test_a_span_is_kept_in_utc() -> None:
    told = Span.model_validate({"start": "2026-11-22T14:00:00+02:00", "end": "2026-11-22T13:00:00Z"})
    assert told == Span(start=NOON, end=NOON + timedelta(hours=1))
    assert told.start.tzinfo is UTC
