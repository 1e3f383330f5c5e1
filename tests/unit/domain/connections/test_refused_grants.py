from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.connections.refused_grants import (
    REFUSED_GRANT_RETENTION,
    count_notices,
    next_notice,
    next_try,
    remedy_for,
)

SINCE = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(), 10 * MINUTE),
        (10 * MINUTE, HOUR),
        (59 * MINUTE, HOUR),
        (HOUR, 6 * HOUR),
        (6 * HOUR, DAY),
        (23 * HOUR, DAY),
        (DAY, 2 * DAY),
        (29.5 * DAY, REFUSED_GRANT_RETENTION),
        (-HOUR, 10 * MINUTE),
    ],
)
def test_google_is_asked_again_ever_more_seldom(age: timedelta, expected: timedelta) -> None:
    assert next_try(SINCE, SINCE + age) == SINCE + expected


def test_google_is_not_asked_any_more_after_thirty_days() -> None:
    assert next_try(SINCE, SINCE + REFUSED_GRANT_RETENTION) is None


def test_google_is_asked_about_thirty_times_in_all() -> None:
    tries, now = 0, SINCE
    while at := next_try(SINCE, now):
        tries, now = tries + 1, at
    assert tries == 33


@pytest.mark.parametrize(
    ("days", "count"), [(0, 1), (0.9, 1), (1, 2), (2, 2), (3, 3), (7, 4), (13, 4), (14, 5), (99, 5)]
)
def test_it_is_told_at_once_and_four_times_more(days: float, count: int) -> None:
    assert count_notices(SINCE, SINCE + days * DAY) == count


def test_the_last_reminder_is_after_two_weeks() -> None:
    assert next_notice(SINCE, SINCE) == SINCE + DAY
    assert next_notice(SINCE, SINCE + 7 * DAY) == SINCE + 14 * DAY
    assert next_notice(SINCE, SINCE + 14 * DAY) is None


@pytest.mark.parametrize(
    ("reason", "who"),
    [
        ("invalid_grant", "The merchant has to"),
        ("invalid_rapt", "The merchant has to"),
        ("admin_policy_enforced", "The administrator"),
        ("org_internal", "The OAuth client's audience is Internal: the operator"),
    ],
)
def test_the_remedy_says_who_has_to_act(reason: str, who: str) -> None:
    assert remedy_for(reason).startswith(who)


def test_once_the_grant_is_forgotten_only_the_merchant_can_help() -> None:
    assert remedy_for("admin_policy_enforced", forgotten=True).startswith("The merchant has to connect")
    assert remedy_for("admin_policy_enforced", forgotten=True, stopped=True).startswith("The merchant has to connect")


def test_while_an_operator_has_stopped_the_connection_nothing_goes_on_by_itself() -> None:
    remedy = remedy_for("admin_policy_enforced", stopped=True)
    assert remedy == (
        "An operator has stopped the merchant's connection: slotsync resume MERCHANT. "
        "The administrator of the Google Workspace has to allow slotsync."
    )
