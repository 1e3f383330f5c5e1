from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.health import GOOGLE_ERRORS, Health, blocker_for_error, worst
from slotsync.domain.retry_delays import (
    DEFAULT_RETRY_DELAY,
    MIN_READING_RETRY_DELAY,
    PARKED_RETRY_DELAY,
    QUOTA_RETRY_DELAY,
    REFUSED_RETRY_DELAY,
    parse_retry_after,
    reading_retry_delay,
    refused_attempt_delay,
)
from slotsync.errors import GoogleError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("error_type", "health", "delay"),
    [
        ("QuotaExhausted", Health.RETRYING, QUOTA_RETRY_DELAY),
        ("GrantLost", Health.PARKED, PARKED_RETRY_DELAY),
        ("ScopeMissing", Health.PARKED, PARKED_RETRY_DELAY),
        ("CalendarMissing", Health.WAITING, timedelta(seconds=1)),
        ("BadRequest", Health.FAILED, REFUSED_RETRY_DELAY),
        ("Refused", Health.FAILED, REFUSED_RETRY_DELAY),
        ("Conflict", Health.FAILED, REFUSED_RETRY_DELAY),
        ("Exists", Health.FAILED, REFUSED_RETRY_DELAY),
        ("Gone", Health.FAILED, REFUSED_RETRY_DELAY),
        ("NotFound", Health.FAILED, REFUSED_RETRY_DELAY),
        ("ValueError", Health.RETRYING, DEFAULT_RETRY_DELAY),
    ],
)
def test_each_error_has_its_health_and_its_delay(error_type: str, health: Health, delay: timedelta) -> None:
    blocker = blocker_for_error(error_type, "why")
    assert (blocker.health, blocker.reason, blocker.look_again) == (health, "why", delay)


@pytest.mark.parametrize("calls", range(1, 25))
def test_all_attempts_at_what_google_refuses_take_less_than_20_calls_unless_one_takes_more(calls: int) -> None:
    attempts = next(each for each in range(1, 10) if refused_attempt_delay(each, calls) is None)
    assert attempts == max(min(4, 19 // calls), 1)


def test_the_worst_blocker_decides() -> None:
    parked, retrying = blocker_for_error("GrantLost", "a"), blocker_for_error("", "b")
    assert worst([retrying, parked]) == parked
    assert worst([]) is None


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("120", 2 * MINUTE),
        ("Sun, 22 Nov 2026 12:01:00 GMT", MINUTE),
        ("Sun, 22 Nov 2026 12:01:00 -0000", MINUTE),
        ("Sun, 22 Nov 2026 11:00:00 GMT", timedelta()),
        ("soon", None),
        ("9" * 30, None),
        ("", None),
        (None, None),
    ],
)
def test_a_server_names_its_delay_in_seconds_or_as_a_date(header: str | None, delay: timedelta | None) -> None:
    assert parse_retry_after(header, NOON) == delay


def test_a_failed_reading_is_repeated_ever_more_slowly_within_limits() -> None:
    delays = [reading_retry_delay(each * MINUTE, 10 * MINUTE) for each in (0, 1, 4, 100)]
    assert delays == [MIN_READING_RETRY_DELAY, MINUTE / 4, MINUTE, 10 * MINUTE]


def test_all_classes_of_googles_errors_are_known_by_name() -> None:
    assert {each.__name__ for each in GoogleError.__subclasses__()} == GOOGLE_ERRORS
