"""The API's calls and the workers' together stay within Google's quota."""

from datetime import UTC, datetime, timedelta

from slotsync.domain.connections.call_limit import (
    API_SHARE,
    MAX_CALLS_AT_ONCE,
    WORKERS_SHARE,
    pay_call,
    time_per_call,
)

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
PER_MINUTE = 600
PRICE = time_per_call(PER_MINUTE)


def count_calls(until: datetime, *, every: timedelta) -> int:
    """Return how many calls are let through if one is tried this often."""
    paid_until, at, count = None, NOW, 0
    while at < until:
        paid, wait = pay_call(paid_until, at, PRICE)
        if not wait:
            paid_until, count = paid, count + 1
        at += every
    return count


def test_a_page_that_is_opened_now_and_then_never_waits() -> None:
    assert [pay_call(NOW - timedelta(hours=1), NOW, PRICE)[1]] == [timedelta()]
    assert count_calls(NOW + timedelta(hours=1), every=timedelta(seconds=10)) == 360


def test_a_storm_gets_its_share_in_a_minute_and_a_small_burst() -> None:
    passed = count_calls(NOW + timedelta(minutes=1), every=timedelta(milliseconds=20))
    assert PER_MINUTE * API_SHARE <= passed <= PER_MINUTE * API_SHARE + MAX_CALLS_AT_ONCE


def test_a_call_that_has_to_wait_says_how_long() -> None:
    paid_until = None
    for _ in range(MAX_CALLS_AT_ONCE):
        paid_until, wait = pay_call(paid_until, NOW, PRICE)
        assert not wait
    _, wait = pay_call(paid_until, NOW, PRICE)
    assert wait == PRICE
    assert pay_call(paid_until, NOW + wait, PRICE)[1] == timedelta()


def test_api_and_workers_together_stay_within_the_quota_also_in_the_minute_of_a_burst() -> None:
    assert PER_MINUTE * (API_SHARE + WORKERS_SHARE) + MAX_CALLS_AT_ONCE < PER_MINUTE
