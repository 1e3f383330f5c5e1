from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.availability import Reading
from slotsync.domain.availability.intervals import Interval
from slotsync.secrets import Vault
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NEAR, NEXT = Interval(start=NOON, end=NOON + DAY), Interval(start=NOON + DAY, end=NOON + 2 * DAY)
BUSY = Interval(start=NOON + HOUR, end=NOON + 2 * HOUR)
LATER = Interval(start=NOON + 3 * HOUR, end=NOON + 4 * HOUR)


class Kept:
    """The readings of one account with a calendar."""

    def __init__(self, store: Store, vault: Vault, connection_id: str) -> None:
        self.accounts = WatchedAccounts(store, vault, lambda: NOON)
        self.readings = BusyReadings(store, vault, lambda: self.now)
        self.account = connection_id
        self.now = NOON + MINUTE
        self.accounts.add(connection_id)
        self.accounts.add_calendars(connection_id, ["family"])
        self.name = self.accounts.get_calendars(connection_id)[0].id

    def record(self, minute: float, busy: Iterable[Interval] = (), *, chunk: int = 0, **more: object) -> bool:
        """Record a reading that is valid for ten minutes, and return whether it is a change."""
        span = NEXT if chunk else NEAR
        given = {"watched_id": self.name, "chunk": chunk, "interval": span, "busy": tuple(busy), **more}
        reading = NewReading.model_validate({"good_for": 10 * MINUTE, **given})
        return self.readings.record(self.account, [reading], at(minute))

    def all(self) -> list[Reading]:
        return self.readings.get_readings(self.account, ["family"], self.now).get("family", [])


def at(minute: float) -> datetime:
    return NOON + MINUTE * minute


def good(minute: float, *busy: Interval, span: Interval = NEAR) -> Reading:
    return Reading(interval=span, read_at=at(minute), good_until=at(minute + 10), busy=busy)


def bad(minute: float, error: str, *, call_failed: bool = False) -> Reading:
    moment = at(minute)
    return Reading(interval=NEAR, read_at=moment, good_until=moment, error=error, call_failed=call_failed)


@pytest.fixture
def connection_id(connections: Connections) -> str:
    return connections.save_grant("m", "refresh", {"openid"}, "m@x")


@pytest.fixture
def kept(store: Store, vault: Vault, connection_id: str) -> Kept:
    return Kept(store, vault, connection_id)


def test_nothing_is_known_of_a_calendar_that_was_never_read(kept: Kept) -> None:
    assert kept.readings.get_readings(kept.account, ["family", "another"], NOON) == {}


def test_a_reading_is_kept_as_it_was_made(kept: Kept) -> None:
    kept.record(0, [BUSY, LATER])
    assert kept.all() == [good(0, BUSY, LATER)]


def test_only_readings_of_the_requested_calendars_are_returned(kept: Kept) -> None:
    kept.record(0, [BUSY])
    assert kept.readings.get_readings(kept.account, [], NOON) == {}
    assert kept.readings.get_readings("another", ["family"], NOON) == {}


def test_each_piece_of_the_horizon_has_its_own(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, chunk=1)
    assert sorted(kept.all(), key=lambda each: each.read_at) == [good(0, BUSY), good(1, span=NEXT)]


def test_a_newer_reading_takes_the_place_of_the_last(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, [LATER])
    assert kept.all() == [good(1, LATER)]


def test_the_last_good_reading_is_kept_through_failures(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, error="backendError")
    kept.record(2, error="notFound")
    assert kept.all() == [good(0, BUSY), bad(2, "notFound")]


def test_a_failure_of_the_whole_call_is_told_apart_from_an_error_of_the_calendar(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, error="internalError", call_failed=True)
    assert kept.all() == [good(0, BUSY)]
    assert kept.record(2, error="internalError")
    assert kept.all() == [good(0, BUSY), bad(2, "internalError")]


def test_a_failure_of_the_whole_call_does_not_undo_an_error_of_the_calendar_but_a_good_reading_does(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, error="notFound")
    kept.record(2, error="backendError", call_failed=True)
    assert kept.all() == [good(0, BUSY), bad(2, "backendError")]
    kept.record(3, [BUSY])
    kept.record(4, error="backendError", call_failed=True)
    assert kept.all() == [good(3, BUSY)]


def test_a_reading_is_kept_for_a_time_from_the_first_failure_on_and_never_for_longer_than_its_age(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, error="backendError", call_failed=True)
    assert kept.all()[0].good_until == at(10)
    assert kept.record(5, error="backendError", call_failed=True, good_for=3 * MINUTE), (
        "products have to be checked sooner"
    )
    assert kept.all()[0].good_until == at(4)
    assert not kept.record(6, error="backendError", call_failed=True)
    assert kept.all()[0].good_until == at(4)


def test_a_good_reading_clears_the_failure(kept: Kept) -> None:
    kept.record(0, error="backendError")
    assert kept.all() == [bad(0, "backendError")]
    kept.record(1, [BUSY])
    assert kept.all() == [good(1, BUSY)]


@pytest.mark.parametrize("late", ["", "backendError"])
def test_a_poller_without_its_lease_does_not_replace_newer_readings(kept: Kept, late: str) -> None:
    kept.record(2, [BUSY])
    assert not kept.record(1, [], error=late)
    assert kept.all() == [good(2, BUSY)]


def test_the_first_reading_is_a_change_whatever_it_contains(kept: Kept) -> None:
    assert kept.record(0)


def test_an_equal_reading_is_no_change(kept: Kept) -> None:
    kept.record(0, [BUSY])
    assert not kept.record(1, [BUSY])
    assert kept.all() == [good(1, BUSY)]


def test_other_busy_times_are_a_change(kept: Kept) -> None:
    kept.record(0, [BUSY])
    assert kept.record(1, [BUSY, LATER])
    assert kept.record(2)


def test_a_failure_is_a_change_once(kept: Kept) -> None:
    kept.record(0)
    assert kept.record(1, error="backendError")
    assert not kept.record(2, error="backendError")
    assert kept.record(3, error="notFound")


def test_the_end_of_a_failure_is_a_change_although_the_times_are_equal(kept: Kept) -> None:
    kept.record(0, [BUSY])
    kept.record(1, error="backendError")
    assert kept.record(2, [BUSY])


def test_a_renewed_reading_after_an_expired_one_is_a_change(kept: Kept) -> None:
    kept.record(0, [BUSY])
    assert not kept.record(9, [BUSY])
    kept.now = at(19)
    assert kept.record(19, [BUSY])


def test_a_change_marks_its_account_and_nothing_else_does(kept: Kept) -> None:
    kept.record(0)
    assert kept.accounts.get_last_change(kept.account) == NOON + MINUTE
    kept.now += MINUTE
    kept.record(1)
    assert kept.accounts.get_last_change(kept.account) == NOON + MINUTE
    kept.record(2, [BUSY])
    assert kept.accounts.get_last_change(kept.account) == kept.now


def test_readings_are_recorded_together_and_each_is_judged_by_itself(kept: Kept) -> None:
    kept.record(0, [BUSY])
    together = [
        NewReading(watched_id=kept.name, chunk=0, interval=NEAR, busy=(BUSY,), good_for=10 * MINUTE),
        NewReading(watched_id=kept.name, chunk=1, interval=NEXT, error="notFound", good_for=10 * MINUTE),
    ]
    assert kept.readings.record(kept.account, together, at(1))
    assert not kept.readings.record(kept.account, together, at(2))


def test_busy_times_are_stored_encrypted(store: Store, kept: Kept) -> None:
    kept.record(0, [BUSY])
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT busy FROM busy_reading")).all()
    assert "2026" not in str(row)


def test_a_call_that_failed_counts_only_once_the_last_reading_is_too_old(kept: Kept) -> None:
    kept.record(0, [BUSY])
    failed = NewReading(
        watched_id=kept.name, chunk=0, interval=NEAR, error="backendError", call_failed=True, good_for=10 * MINUTE
    )
    kept.readings.record(kept.account, [failed], at(1))
    assert kept.all() == [good(0, BUSY)]
    kept.now = at(10)
    assert kept.all() == [good(0, BUSY), bad(1, "backendError", call_failed=True)]
    kept.now = at(2)
    kept.record(2, error="notFound")
    assert kept.all() == [good(0, BUSY), bad(2, "notFound")], "an error of the calendar counts at once"
