from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography.fernet import Fernet

from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import KnownReservation, Reservations
from tests.support.samples import snapshot
from tests.support.stored_reservations import ANY_KEY

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def reservations(store: Store) -> Reservations:
    return Reservations(store, ANY_KEY)


def report(
    reservations: Reservations, version: int, now: datetime = NOON, name: str = "R-1", **more: object
) -> tuple[str, int]:
    """Return the result of the report, and the newest version."""
    found = reservations.report(snapshot(version, name=name, merchant="m", **more), now)
    return found.result.value, found.version


def known(reservations: Reservations) -> KnownReservation:
    found = reservations.get("m", "R-1")
    assert found is not None
    return found


def test_a_reservation_is_unknown_until_it_is_reported(reservations: Reservations) -> None:
    assert reservations.get("m", "R-1") is None
    assert reservations.get_snapshot("m", "R-1") is None
    assert report(reservations, 1) == ("accepted", 1)
    found = known(reservations)
    assert (found.version, found.settled_version, found.since, found.due_at) == (1, None, NOON, NOON)
    assert found.ends_at == datetime(2027, 7, 1, 17, tzinfo=UTC)


def test_the_newest_snapshot_comes_back_as_it_was_reported(reservations: Reservations) -> None:
    told = snapshot(1, merchant="m", notes="arrive <18:00", guest={"name": "Ann"}, url="https://example.org/r/1")
    reservations.report(told, NOON)
    assert reservations.get_snapshot("m", "R-1") == told


def test_a_snapshot_is_encrypted_in_the_database(store: Store, reservations: Reservations) -> None:
    report(reservations, 1, guest={"name": "Ann Unmistakable"})
    with store.read() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM reservation").all()
    assert len(rows) == 1
    assert "Unmistakable" not in str(rows)
    with pytest.raises(SlotsyncError, match="no key"):
        Reservations(store, Vault([Fernet.generate_key().decode()])).get_snapshot("m", "R-1")


def test_an_older_version_changes_nothing(reservations: Reservations) -> None:
    report(reservations, 3)
    before = known(reservations)
    assert report(reservations, 2, LATER, status="cancelled") == ("superseded", 3)
    assert known(reservations) == before


def test_the_same_version_with_the_same_content_changes_nothing(reservations: Reservations) -> None:
    report(reservations, 3)
    before = known(reservations)
    assert report(reservations, 3, LATER) == ("unchanged", 3)
    assert known(reservations) == before


def test_the_same_version_with_other_content_is_a_conflict(reservations: Reservations) -> None:
    report(reservations, 3)
    before = known(reservations)
    assert report(reservations, 3, LATER, title="another") == ("conflict", 3)
    assert known(reservations) == before


def test_a_newer_version_replaces_all_that_is_known(reservations: Reservations) -> None:
    report(reservations, 3)
    assert report(reservations, 4, LATER, status="cancelled", items=()) == ("accepted", 4)
    found = known(reservations)
    assert (found.version, found.status, found.ends_at) == (4, ReservationStatus.CANCELLED, None)
    assert (found.since, found.due_at) == (LATER, LATER)


def test_a_version_may_be_as_large_as_json_can_say(reservations: Reservations) -> None:
    assert report(reservations, 2**53) == ("accepted", 2**53)
    assert known(reservations).version == 2**53


def settle(reservations: Reservations, version: int, name: str = "R-1") -> bool:
    return reservations.record_wave("m", name, version, settled=True, due_at=None, now=LATER)


def test_a_settled_version_stays_until_a_newer_one_is(reservations: Reservations) -> None:
    report(reservations, 1)
    assert settle(reservations, 1)
    assert known(reservations).due_at is None
    report(reservations, 2)
    assert (known(reservations).version, known(reservations).settled_version) == (2, 1)


def test_a_version_is_not_settled_once_a_newer_one_is_reported(reservations: Reservations) -> None:
    report(reservations, 2)
    assert not settle(reservations, 1)
    assert (known(reservations).settled_version, known(reservations).due_at) == (None, NOON)


def test_a_plan_of_a_former_version_changes_nothing(reservations: Reservations) -> None:
    report(reservations, 2)
    assert not reservations.record_plan(snapshot(1, merchant="m"), LATER, [], NOON)
    assert known(reservations).ends_at != LATER


def test_what_is_stopped_is_due_again_once_it_is_resumed(reservations: Reservations) -> None:
    for name in ("R-1", "R-2", "R-3"):
        report(reservations, 1, name=name)
    for name in ("R-1", "R-2"):
        reservations.stop("m", name, LATER)
    assert (known(reservations).stopped_at, known(reservations).due_at) == (LATER, None)
    assert reservations.resume("other", None, LATER, limit=9) == []
    assert reservations.resume("m", "R-1", LATER, limit=9) == ["R-1"]
    assert (known(reservations).stopped_at, known(reservations).due_at) == (None, LATER)
    assert reservations.resume("m", None, LATER, limit=9) == ["R-2"]
    assert reservations.resume("m", None, LATER, limit=9) == []


def test_a_new_report_ends_a_stop_and_an_unchanged_one_does_not(reservations: Reservations) -> None:
    report(reservations, 1)
    reservations.stop("m", "R-1", LATER)
    report(reservations, 1)
    assert known(reservations).stopped_at == LATER
    report(reservations, 2)
    assert known(reservations).stopped_at is None


def test_a_stop_leaves_a_version_alone_that_was_reported_since(reservations: Reservations) -> None:
    report(reservations, 1)
    report(reservations, 2)
    reservations.stop("m", "R-1", LATER, version=1)
    assert (known(reservations).stopped_at, known(reservations).due_at) == (None, NOON)
    reservations.stop("m", "R-1", LATER, version=2)
    assert (known(reservations).stopped_at, known(reservations).due_at) == (LATER, None)


def test_the_newest_version_wins_among_sixteen_threads(reservations: Reservations) -> None:
    versions = [*range(200)]
    Random(1).shuffle(versions)
    with ThreadPoolExecutor(16) as threads:
        results = dict(zip(versions, threads.map(lambda each: report(reservations, each), versions), strict=True))
    assert known(reservations).version == 199
    assert results[199] == ("accepted", 199)
    superseded = [
        newest for version, (result, newest) in results.items() if result == "superseded" and newest > version
    ]
    assert len(superseded) == sum(result == "superseded" for result, _ in results.values())


def test_of_sixteen_threads_with_one_version_each_one_is_accepted_and_the_others_conflict(
    reservations: Reservations,
) -> None:
    with ThreadPoolExecutor(16) as threads:
        results = [*threads.map(lambda n: report(reservations, 5, title=f"title {n}")[0], range(16))]
    assert sorted(results) == ["accepted", *["conflict"] * 15]


def test_sixteen_threads_report_reservations_of_one_new_merchant(reservations: Reservations) -> None:
    with ThreadPoolExecutor(16) as threads:
        results = [*threads.map(lambda n: report(reservations, 1, name=f"R-{n}")[0], range(100))]
    assert results == ["accepted"] * 100


def keys(*names: str, merchant: str = "m") -> list[ReservationKey]:
    return [ReservationKey(merchant=merchant, reservation=name) for name in names]


def test_what_is_due_is_found_by_turns_of_the_merchants(reservations: Reservations) -> None:
    for number in range(5):
        report(reservations, 1, NOON + timedelta(minutes=number), name=f"R-{number}")
    reservations.report(snapshot(1, name="R-9", merchant="other"), NOON + timedelta(minutes=9))
    later = NOON + timedelta(hours=1)
    assert {*reservations.find_due(later, limit=2)} == {*keys("R-0"), *keys("R-9", merchant="other")}
    reservations.due_rows.postpone([("m", "R-0"), ("m", "R-1")], later, later + timedelta(hours=1))
    assert {*reservations.find_due(later, limit=9)} == {*keys("R-2", "R-3", "R-4"), *keys("R-9", merchant="other")}
    assert reservations.find_due(NOON, limit=9) == []
    assert reservations.due_rows.count_overdue(later) == 4


def test_a_reservation_that_was_taken_up_meanwhile_is_not_due_later(reservations: Reservations) -> None:
    report(reservations, 1)
    settle(reservations, 1)
    reservations.due_rows.postpone([("m", "R-1")], LATER, LATER + timedelta(hours=1))
    assert known(reservations).due_at is None


def test_open_reservations_and_those_that_are_due_are_listed_page_by_page(reservations: Reservations) -> None:
    for name in ("R-1", "R-2", "R-3"):
        report(reservations, 1, name=name)
    report(reservations, 1, name="cancelled", status="cancelled")
    report(reservations, 1, name="done", status="cancelled")
    report(reservations, 1, name="stopped")
    settle(reservations, 1, name="done")
    settle(reservations, 1, name="R-1")
    reservations.stop("m", "stopped", NOON)
    reservations.report(snapshot(1, name="R-1", merchant="other"), NOON)
    first = reservations.find_unfinished(NOON, limit=3, after=ReservationKey(merchant="", reservation=""))
    assert first == keys("R-1", "R-2", "R-3")
    others = [*keys("cancelled"), *keys("R-1", merchant="other")]
    assert reservations.find_unfinished(NOON, limit=3, after=first[-1]) == others
    much_later = datetime(2027, 8, 1, tzinfo=UTC)
    assert reservations.find_unfinished(much_later, limit=2, after=keys("")[0]) == keys("R-2", "R-3"), "both are due"


def test_a_problem_stays_as_long_as_temporal_reports_it(reservations: Reservations) -> None:
    report(reservations, 1)
    reservations.due_rows.record_problems({("m", "R-1"): "task failed"})
    assert known(reservations).problem == "task failed"
    reservations.due_rows.record_problems({})
    assert known(reservations).problem is None
