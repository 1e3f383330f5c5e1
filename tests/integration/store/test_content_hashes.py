"""Hashes of contents in the database: nobody guesses a guest by them, and they go with the merchant's key."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from slotsync.domain.content_hashes import is_keyed
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.reservations.stored_snapshot import plain_content_hash
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.content_hashes import Fingerprints
from slotsync.store.data_keys import erase_data_key
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import ColumnRotation, KeyRotation
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.returned_calendars import ReturnedCalendars
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.tables import METADATA
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow
from tests.support.desired_events import sample_content
from tests.support.samples import snapshot
from tests.support.stored_events import KEY, TOUR, written
from tests.support.stored_secrets import begin_as_formerly

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
HASH, FINGERPRINT = table_of(ReservationRow).c.content_hash, table_of(SyncedEventRow).c.fingerprint
SHOWN = sample_content(summary="Kari Nordmann").plain_fingerprint


def booked(merchant: str = "m", title: str = "Sunset tour") -> Reservation:
    return snapshot(3, merchant=merchant, guest={"name": "Kari Nordmann"}, title=title)


GUESS = plain_content_hash(booked())


def report(store: Store, vault: Vault, reservation: Reservation | None = None) -> str:
    return Reservations(store, vault).report(reservation or booked(), NOON).result.value


def show(store: Store, vault: Vault, fingerprint: str = SHOWN) -> None:
    """Record that Google shows the event, as after a write."""
    shown = Fingerprints(store, vault).hash("m", fingerprint)
    SyncedEvents(store).record("m", "R-1", written().model_copy(update={"fingerprint": shown}), NOON)


def values(store: Store, column: Any) -> list[Any]:
    with store.read() as session:
        return [*session.connection().execute(select(column).order_by(column.table.c.merchant)).scalars()]


def set_plain(store: Store) -> None:
    """Store the hashes of a former version."""
    with store.write() as connection:
        connection.execute(update(HASH.table).values(content_hash=GUESS))
        connection.execute(update(FINGERPRINT.table).values(fingerprint=SHOWN))


def everything(store: Store) -> str:
    """Return all that stands in the database."""
    with store.read() as session:
        found = [session.connection().execute(select(table)).all() for table in METADATA.sorted_tables]
    return str(found)


def test_no_hash_in_the_database_can_be_computed_from_a_guess(store: Store, vault: Vault) -> None:
    assert report(store, vault) == "accepted"
    show(store, vault)
    for guessed in (GUESS, SHOWN):
        assert guessed not in everything(store)
    hashes = [*values(store, HASH), *values(store, FINGERPRINT)]
    assert [is_keyed(each) for each in hashes] == [True, True]


def test_a_repeated_report_is_recognized_and_another_content_too(store: Store, vault: Vault) -> None:
    report(store, vault)
    before = values(store, HASH)
    assert [report(store, vault), report(store, vault, booked(title="another"))] == ["unchanged", "conflict"]
    assert values(store, HASH) == before


def test_the_same_content_has_another_hash_with_each_merchant_and_each_purpose(store: Store, vault: Vault) -> None:
    for merchant in ("m", "n"):
        report(store, vault, booked(merchant))
    hashes = [*values(store, HASH), *(Fingerprints(store, vault).get_hasher(each).hash(GUESS) for each in ("m", "n"))]
    assert len({*hashes}) == 4


def test_a_rotation_of_the_keys_leaves_the_hashes_as_they_are(store: Store) -> None:
    report(store, Vault([OLD]))
    show(store, Vault([OLD]))
    before = values(store, HASH), values(store, FINGERPRINT)
    rotation = KeyRotation(store, Vault([NEW, OLD])).rotate()
    assert (values(store, HASH), values(store, FINGERPRINT)) == before
    assert of_hashes(rotation) == {"reservation.content_hash": (0, 1, 0), "synced_event.fingerprint": (0, 1, 0)}
    assert report(store, Vault([NEW])) == "unchanged"
    assert Fingerprints(store, Vault([NEW])).get_hasher("m").matches(before[1][0], SHOWN)


def of_hashes(rotation: list[ColumnRotation]) -> dict[str, tuple[int, int, int]]:
    """Return of the columns with hashes how many were renewed, current, and lost."""
    names = ("reservation.content_hash", "synced_event.fingerprint")
    return {each.column: (each.renewed, each.current, each.lost) for each in rotation if each.column in names}


def test_plain_hashes_of_a_former_version_are_recognized(store: Store, vault: Vault) -> None:
    report(store, vault)
    show(store, vault)
    set_plain(store)
    assert [report(store, vault), report(store, vault, booked(title="another"))] == ["unchanged", "conflict"]
    hasher = Fingerprints(store, vault).get_hasher("m")
    assert [hasher.matches(each, SHOWN) for each in values(store, FINGERPRINT)] == [True]


def test_a_rotation_replaces_plain_hashes_without_any_content(store: Store, vault: Vault) -> None:
    report(store, vault)
    show(store, vault)
    keyed = values(store, HASH), values(store, FINGERPRINT)
    set_plain(store)
    with store.write() as connection:
        connection.execute(update(HASH.table).values(snapshot=None))
    assert of_hashes(KeyRotation(store, vault).rotate()) == {
        "reservation.content_hash": (1, 0, 0),
        "synced_event.fingerprint": (1, 0, 0),
    }
    assert (values(store, HASH), values(store, FINGERPRINT)) == keyed


def test_a_rotation_leaves_what_is_unknown_and_what_was_dropped(store: Store, vault: Vault) -> None:
    report(store, vault)
    with store.write() as connection:
        connection.execute(update(HASH.table).values(content_hash=None))
    show(store, vault, "")
    assert of_hashes(KeyRotation(store, vault).rotate()) == {
        "reservation.content_hash": (0, 0, 0),
        "synced_event.fingerprint": (0, 0, 0),
    }
    assert [*values(store, HASH), *values(store, FINGERPRINT)] == [None, ""]


def test_plain_hashes_of_many_rows_are_replaced_page_by_page(store: Store, vault: Vault) -> None:
    names = [f"R-{number}" for number in range(501)]
    for merchant in ("m", "n"):
        report(store, vault, booked(merchant))
    with store.write() as connection:
        (row,) = connection.execute(select(HASH.table).where(HASH.table.c.merchant == "m")).mappings().all()
        copies = [{**row, "id": name} for name in names if name != row["id"]]
        connection.execute(HASH.table.insert(), copies)
    set_plain(store)
    assert of_hashes(KeyRotation(store, vault).rotate())["reservation.content_hash"] == (502, 0, 0)
    assert len({*values(store, HASH)}) == 2, "one for each merchant"


def test_plain_hashes_of_a_merchant_whose_key_does_not_open_are_counted_and_hold_up_no_others(store: Store) -> None:
    report(store, Vault([OLD]))
    report(store, Vault([NEW, OLD]), booked("n"))
    set_plain(store)
    assert of_hashes(KeyRotation(store, Vault([NEW])).rotate())["reservation.content_hash"] == (0, 0, 2)
    assert values(store, HASH) == [GUESS, GUESS]


def test_as_long_as_processes_of_a_former_version_may_run_they_find_the_hashes_that_they_know(
    store: Store, vault: Vault
) -> None:
    Instances(store, vault).get_id()
    begin_as_formerly(store)
    report(store, vault)
    show(store, vault)
    assert (values(store, HASH), values(store, FINGERPRINT)) == ([GUESS], [SHOWN])
    KeyRotation(store, vault).rotate()
    assert all(map(is_keyed, (*values(store, HASH), *values(store, FINGERPRINT))))
    assert report(store, vault) == "unchanged"


def test_without_the_merchants_key_a_hash_cannot_be_made_again(store: Store, vault: Vault) -> None:
    report(store, vault)
    with store.write() as connection:
        erase_data_key(connection, "m")
    assert report(store, vault) == "conflict", "it is not recognized any more"


def test_without_the_ring_no_hash_can_be_made(store: Store, vault: Vault) -> None:
    report(store, vault)
    with pytest.raises(Undecryptable):
        Fingerprints(store, Vault([Fernet.generate_key().decode()])).get_hasher("m")


def test_an_event_that_is_found_in_google_with_a_plain_fingerprint_is_stored_with_a_keyed_one(
    store: Store, vault: Vault
) -> None:
    report(store, vault)
    found = written().model_copy(update={"fingerprint": SHOWN})
    ReturnedCalendars(store, vault).adopt("m", TOUR, found.calendar_id, {("R-1", KEY): found}, NOON)
    assert values(store, FINGERPRINT) == [Fingerprints(store, vault).hash("m", SHOWN)]
    assert SHOWN not in everything(store)
