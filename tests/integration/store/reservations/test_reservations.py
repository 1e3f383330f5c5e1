from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import KnownReservation, Reservations

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
END = datetime(2027, 7, 1, 18, tzinfo=UTC)


def begin(store: Store, version: int, now: datetime = NOON, reservation: str = "R-1") -> bool:
    return Reservations(store).record_version("m", reservation, version, ReservationStatus.CONFIRMED, END, now)


def known(store: Store) -> KnownReservation:
    found = Reservations(store).get("m", "R-1")
    assert found is not None
    return found


def test_a_reservation_is_unknown_until_it_begins(store: Store) -> None:
    assert Reservations(store).get_version("m", "R-1") is None
    assert Reservations(store).get("m", "R-1") is None
    assert begin(store, 1)
    assert known(store) == KnownReservation(1, None, ReservationStatus.CONFIRMED, END, NOON)


def test_an_older_version_changes_nothing(store: Store) -> None:
    assert begin(store, 3)
    before = known(store)
    assert not Reservations(store).record_version("m", "R-1", 2, ReservationStatus.CANCELLED, None, LATER)
    assert known(store) == before


def test_the_same_version_is_fine_and_is_known_since_the_first_time(store: Store) -> None:
    assert begin(store, 3)
    assert begin(store, 3, LATER)
    assert known(store).since == NOON


def test_a_newer_version_replaces_all_that_is_known(store: Store) -> None:
    begin(store, 3)
    assert Reservations(store).record_version("m", "R-1", 4, ReservationStatus.CANCELLED, None, LATER)
    assert known(store) == KnownReservation(4, None, ReservationStatus.CANCELLED, None, LATER)


def test_a_version_may_be_a_time_in_nanoseconds(store: Store) -> None:
    assert begin(store, 1_795_348_800_000_000_000)
    assert Reservations(store).get_version("m", "R-1") == 1_795_348_800_000_000_000


def test_a_settled_version_is_noted_and_stays_until_a_newer_one_is(store: Store) -> None:
    begin(store, 1)
    Reservations(store).settle("m", "R-1", 1, LATER)
    begin(store, 2)
    assert (known(store).version, known(store).settled_version) == (2, 1)


def test_a_version_is_not_settled_once_a_newer_one_has_begun(store: Store) -> None:
    begin(store, 2)
    Reservations(store).settle("m", "R-1", 1, LATER)
    assert known(store).settled_version is None


def test_the_newest_version_wins_among_sixteen_threads(store: Store) -> None:
    versions = [*range(200)]
    Random(1).shuffle(versions)
    with ThreadPoolExecutor(16) as threads:
        accepted = dict(zip(versions, threads.map(lambda version: begin(store, version), versions), strict=True))
    assert known(store).version == 199
    assert accepted[199]


def test_sixteen_threads_begin_reservations_of_one_new_merchant(store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(lambda n: begin(store, 1, reservation=f"R-{n}"), range(100)))
