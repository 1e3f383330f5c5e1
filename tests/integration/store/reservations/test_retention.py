"""What is said of guests is dropped some time after the end, and rows a year later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from slotsync.domain.reservations.booked_time import booked_times
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftKind
from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.reservations.stored_snapshot import ReducedReservation
from slotsync.secrets import Vault
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from slotsync.store.database.engine import Store
from slotsync.store.reservations.drift_rows import KEPT
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.retention import ROW_RETENTION, Dropped, Retention
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.samples import MERCHANT, TOUR, item, snapshot

END = datetime(2027, 7, 1, 17, tzinfo=UTC)
KEEP = timedelta(days=90)
TOLD = END - timedelta(days=200)
GUEST = {"name": "Mervi Mökkiläinen", "email": "mervi@guest.example", "phone": "+358 40 555 0199"}
KEY = EventKey(item="1", owner=TOUR)


@pytest.fixture
def reservations(store: Store, vault: Vault) -> Reservations:
    return Reservations(store, vault)


def full(version: int = 1, name: str = "R-1", **more: object) -> Reservation:
    details: dict[str, object] = {
        "title": "Kayaks for Mervi",
        "guest": GUEST,
        "notes": "Allergic",
        "url": "https://platform.example/1",
    }
    return snapshot(version, item(), name=name, merchant=MERCHANT, **(details | more))


def taken_up(reservations: Reservations, reservation: Reservation, at: datetime = TOLD) -> None:
    """Store a report, and that its workflow has nothing left to do."""
    reservations.report(reservation, at)
    name, version = reservation.id, reservation.version
    reservations.record_plan(reservation, END, booked_times(reservation, {TOUR: "Europe/Helsinki"}), at)
    reservations.record_wave(MERCHANT, name, version, settled=True, due_at=None, now=at)


def drop(store: Store, vault: Vault, now: datetime, limit: int = 100) -> Dropped:
    return Retention(store, vault).drop_page(now - KEEP, now, limit)


def rows(store: Store) -> dict[str, int]:
    with store.read() as session:
        execute = session.connection().execute
        tables = ("reservation", "synced_event", "booked_time")
        return {table: int(execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in tables}


def test_contents_are_dropped_some_time_after_the_end_and_not_before(
    store: Store, vault: Vault, reservations: Reservations
) -> None:
    taken_up(reservations, full())
    assert drop(store, vault, END + KEEP).contents == 0
    assert reservations.get_snapshot(MERCHANT, "R-1") == full()
    assert drop(store, vault, END + KEEP + timedelta(seconds=1)).contents == 1
    kept = reservations.get_snapshot(MERCHANT, "R-1")
    assert isinstance(kept, ReducedReservation)
    assert kept.model_dump(exclude={"item_keys", "last_number", "last_items"}) == snapshot(1, title="").model_dump()
    known = reservations.get(MERCHANT, "R-1")
    assert known
    assert (known.version, known.settled_version, known.content_hash) == (1, 1, None)
    assert drop(store, vault, END + KEEP + timedelta(days=1)).contents == 0


def test_a_cancelled_reservation_loses_its_contents_some_time_after_its_cancellation(
    store: Store, vault: Vault, reservations: Reservations
) -> None:
    taken_up(reservations, full(status="cancelled"))
    assert drop(store, vault, TOLD + KEEP).contents == 0
    assert drop(store, vault, TOLD + KEEP + timedelta(seconds=1)).contents == 1


def test_what_was_reported_lately_keeps_its_contents(store: Store, vault: Vault, reservations: Reservations) -> None:
    taken_up(reservations, full(), END + timedelta(days=80))
    assert drop(store, vault, END + KEEP + timedelta(days=1)).contents == 0


def test_a_late_report_brings_nothing_back_that_was_dropped_and_a_newer_one_is_stored_as_it_is(
    store: Store, vault: Vault, reservations: Reservations
) -> None:
    taken_up(reservations, full(2))
    drop(store, vault, END + KEEP + timedelta(days=1))
    for late, result in ((1, "superseded"), (2, "unchanged")):
        assert reservations.report(full(late), END + KEEP).result == result
        kept = reservations.get_snapshot(MERCHANT, "R-1")
        assert kept
        assert (kept.title, kept.guest.name) == ("", "")
    assert reservations.report(full(3), END + KEEP).result == "accepted"
    assert reservations.get_snapshot(MERCHANT, "R-1") == full(3)


def test_drift_goes_with_the_contents_of_its_reservation_or_some_time_after_it_was_resolved(
    store: Store, vault: Vault, reservations: Reservations
) -> None:
    over, new = full(), full(name="R-2")
    taken_up(reservations, over)
    reservations.report(new, END + KEEP)
    records = DriftRecords(store)
    drifts = [Drift(kind=DriftKind.MOVED, reservation=name, key=KEY) for name in ("R-1", "R-2")]
    seen = CompletedAudit(
        merchant=MERCHANT,
        owner=TOUR,
        calendar_id="calendar",
        at=END,
        found=[(each, DriftAction.ASK) for each in drifts],
        right=(),
        complete=True,
        sync_token=None,
    )
    records.record(seen)
    drop(store, vault, END)
    assert sorted(str(each.reservation) for each in records.find(MERCHANT, 9)) == ["R-1", "R-2"]
    drop(store, vault, END + KEEP + timedelta(days=1))
    assert [each.reservation for each in records.find(MERCHANT, 9)] == ["R-2"]
    records.record(replace(seen, found=[]))
    drop(store, vault, END + KEPT + timedelta(seconds=1))
    assert records.find(MERCHANT, 9) == []


def test_a_snapshot_that_no_key_opens_is_dropped_too(store: Store, vault: Vault, reservations: Reservations) -> None:
    taken_up(Reservations(store, Vault([Fernet.generate_key().decode()])), full())
    assert drop(store, vault, END + KEEP + timedelta(days=1)).contents == 1
    assert reservations.get_snapshot(MERCHANT, "R-1") is None


def test_pages_drop_everything_in_the_end(store: Store, vault: Vault, reservations: Reservations) -> None:
    for number in range(5):
        taken_up(reservations, full(name=f"R-{number}"))
    long_after = END + KEEP + timedelta(days=1)
    assert [drop(store, vault, long_after, limit=2).contents for _ in range(4)] == [2, 2, 1, 0]


def test_rows_are_kept_a_year_longer_and_then_go_with_those_of_events_and_times(
    store: Store, vault: Vault, reservations: Reservations
) -> None:
    taken_up(reservations, full())
    SyncedEvents(store).mark(MERCHANT, "R-1", KEY, SyncState.IN_STEP, TOLD)
    last = END + KEEP + ROW_RETENTION
    while drop(store, vault, last).total:
        pass
    assert rows(store) == {"reservation": 1, "synced_event": 1, "booked_time": 0}, "times are kept for 30 days"
    assert drop(store, vault, last + timedelta(seconds=1)).reservations == 1
    assert rows(store) == dict.fromkeys(rows(store), 0)


@pytest.mark.parametrize("debt", [True, False])
def test_a_row_stays_as_long_as_something_is_left_to_do_in_google(
    store: Store, vault: Vault, reservations: Reservations, *, debt: bool
) -> None:
    taken_up(reservations, full())
    SyncedEvents(store).mark(MERCHANT, "R-1", KEY, SyncState.TO_DELETE if debt else SyncState.PARKED, TOLD)
    due_at = None if debt else END
    reservations.record_wave(MERCHANT, "R-1", 1, settled=False, due_at=due_at, now=END)
    dropped = drop(store, vault, END + 2 * ROW_RETENTION)
    assert (dropped.contents, dropped.reservations) == (1, 0)
    assert rows(store)["reservation"] == 1
