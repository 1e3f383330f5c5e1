"""freebusy.query."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from localgoogle.api.freebusy import merge_slots

HOURS = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 20)), max_size=30)


@given(HOURS)
def test_merging_keeps_every_busy_hour_and_no_free_one(hours: list[tuple[int, int]]) -> None:
    zero = datetime(2026, 12, 1, tzinfo=UTC)
    slots = sorted((zero + timedelta(hours=a), zero + timedelta(hours=a + length)) for a, length in hours)
    merged = merge_slots(slots)
    taken = {hour for a, length in hours for hour in range(a, a + length)}
    shown = {
        h
        for start, end in merged
        for h in range((start - zero) // timedelta(hours=1), (end - zero) // timedelta(hours=1))
    }
    assert shown == taken
    assert all(before[1] < after[0] for before, after in itertools.pairwise(merged))
