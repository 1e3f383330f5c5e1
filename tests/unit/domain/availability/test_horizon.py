from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from slotsync.domain.availability.horizon import (
    CHUNK_OVERLAP,
    MAX_CALENDARS_PER_QUERY,
    MAX_QUERY_DURATION,
    Horizon,
    split_horizon,
    split_into_batches,
)
from slotsync.domain.availability.intervals import Interval

ZONES = ("Pacific/Kiritimati", "Pacific/Niue", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "UTC")
MOMENTS = st.builds(
    lambda minutes, zone: (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone)),
    st.integers(0, 16 * 365 * 24 * 60),
    st.sampled_from(ZONES),
)
LAST_DAY_OF_SUMMER_TIME = datetime(2026, 10, 24, 23, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Helsinki"))
"""Half an hour before midnight in UTC: days that are added to its wall time end an hour later than days in UTC."""
HORIZONS = st.builds(Horizon, days=st.integers(1, 800), near_days=st.integers(1, 90))


@given(MOMENTS, HORIZONS)
def test_the_horizon_is_read_without_a_hole_and_in_pieces_that_google_takes(now: datetime, horizon: Horizon) -> None:
    intervals = [chunk.interval for chunk in split_horizon(now, horizon)]
    assert intervals
    assert all(one.end - other.start == CHUNK_OVERLAP for one, other in pairwise(intervals))
    assert all(interval.end - interval.start <= MAX_QUERY_DURATION for interval in intervals)


@given(MOMENTS, st.sampled_from(ZONES))
def test_every_day_of_the_horizon_is_read_wherever_the_product_is(now: datetime, name: str) -> None:
    horizon, zone = Horizon(), ZoneInfo(name)
    intervals = [chunk.interval for chunk in split_horizon(now, horizon)]
    today = now.astimezone(zone).date()
    assert intervals[0].start <= now
    assert intervals[-1].end >= datetime.combine(today + timedelta(days=horizon.days + 1), time(), zone)


@given(MOMENTS)
@example(LAST_DAY_OF_SUMMER_TIME)
def test_sixty_near_days_are_one_query_and_the_far_ones_are_read_hourly(now: datetime) -> None:
    near, *far = split_horizon(now, Horizon(poll=timedelta(seconds=30)))
    assert near.interval.end - near.interval.start == timedelta(days=60)
    assert near.interval.end > now.astimezone(UTC) + timedelta(days=58)
    assert near.poll_interval == timedelta(seconds=30)
    assert {chunk.poll_interval for chunk in far} == {timedelta(hours=1)}


@given(MOMENTS, HORIZONS)
def test_what_ended_within_a_day_is_read_still_for_its_padding_lasts(now: datetime, horizon: Horizon) -> None:
    near = split_horizon(now, horizon)[0]
    assert near.interval.start <= now.astimezone(UTC) - timedelta(days=1)
    assert near.interval.end > now
    assert near.poll_interval == horizon.poll


@given(st.integers(0, 200))
def test_each_calendar_is_in_one_query_and_none_names_too_many(count: int) -> None:
    calendars = list(range(count))
    groups = split_into_batches(calendars)
    assert [each for group in groups for each in group] == calendars
    assert all(0 < len(group) <= MAX_CALENDARS_PER_QUERY for group in groups)
    assert len(groups) == -(-count // MAX_CALENDARS_PER_QUERY)


def test_days_that_the_clock_changes_on_are_as_long_as_they_are() -> None:
    zone = ZoneInfo("Europe/Helsinki")
    for day, hours in ((date(2027, 3, 28), 23), (date(2027, 10, 31), 25)):
        start = datetime.combine(day, time(), zone)
        end = datetime.combine(day + timedelta(days=1), time(), zone)
        interval = Interval(start=start, end=end)
        assert interval.end - interval.start == timedelta(hours=hours)
