import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey, PublishRequest
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.reservations.stored_snapshot import load_snapshot
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault, is_of_data_key
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.erased_merchant_grants import ErasedMerchantGrants
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from slotsync.store.data_keys import DataKeys, erase_data_key
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import INSTANCE, Cell, encrypted_columns
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import DATA_KEYS, ColumnRotation, KeyRotation
from slotsync.store.key_usage import KeyUsage, RingKeyUse
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.tables import METADATA
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.tables.instance import InstanceRow
from tests.support.migrated_databases import open_migrated
from tests.support.samples import snapshot
from tests.support.stored_messages import put_message, refuse_message
from tests.support.stored_secrets import (
    begin_as_formerly,
    column,
    decrypted_values,
    store_as_formerly,
    stored_cells,
    stored_values,
)

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
LATER = datetime(2026, 11, 22, 13, tzinfo=UTC)
SPAN = Interval(start=LATER, end=LATER + timedelta(hours=1))
TOUR, FAMILY = Owner.product("tour"), PickableCalendar(id="c-1", name="Family")


def fill(store: Store, vault: Vault, merchants: int = 3) -> dict[str, str]:
    """Fill every column with secrets, and return the connection ids by merchant."""
    connections = Connections(store, vault)
    ids = {
        name: connections.save_grant(name, f"refresh-{name}", {"openid"}, f"{name}@x")
        for name in map(str, range(merchants))
    }
    for connection_id in ids.values():
        connections.save_access_token(connection_id, "access", LATER, 1)
    PendingConsents(store, vault).put(AwaitedStep.ANSWER, "state", merchant="0", browser="b", secret="verifier")
    ErasedMerchantGrants(store, vault).put(NewGrant(account_email="", scopes=frozenset(), refresh_token="unkept"))
    Merchants(store, vault).put("0", MerchantDetails(email="owner@arctic.example"))
    Instances(store, vault).get_id()
    Owners(store).put("0", TOUR, OwnerSettings(name="Tour"))
    BlockingCalendars(store, vault).replace("0", TOUR, [FAMILY])
    Reservations(store, vault).report(snapshot(merchant="0"), LATER)
    put_message(store, vault, "m-1", "body", LATER)
    refuse_message(store, vault, "m-1")
    answer = Confirmation(answer=Verdict.NO, checked_at=LATER, because="busy", evidence=(Evidence(calendar="Family"),))
    key, confirmations = ProductKey(merchant="0", product=TOUR.id), Confirmations(store, vault)
    confirmations.put_questions(key, {"c-1": SPAN}, LATER)
    confirmations.put(key, {"c-1": answer}, LATER)
    fill_watching(store, vault, ids["0"])
    return ids


def fill_watching(store: Store, vault: Vault, connection_id: str) -> None:
    """Store a calendar with a channel, a reading and a published availability."""
    accounts = WatchedAccounts(store, vault)
    accounts.add(connection_id)
    accounts.add_calendars(connection_id, [FAMILY.id])
    (calendar,) = accounts.get_calendars(connection_id)
    PushChannels(store, vault).prepare(calendar.id, "here")
    reading = NewReading(watched_id=calendar.id, chunk=0, interval=SPAN, good_for=timedelta(hours=1))
    BusyReadings(store, vault).record(connection_id, [reading], LATER)
    slot = Slot(span=SPAN, state=SlotState.BUSY, closed=True)
    result = Availability(span=SPAN, checked_at=LATER, complete=True, slots=(slot,))
    Publications(store, vault, webhooks=False).publish(
        PublishRequest(merchant="0", product="tour", token="t"), result, LATER, ()
    )


ENCRYPTED_COLUMNS = {
    "audit_entry.content",
    "blocking_calendar.calendar_id",
    "blocking_calendar.name",
    "busy_reading.busy",
    "confirmation.evidence",
    "confirmation.question",
    "connection.access_token",
    "connection.account_email",
    "connection.refresh_token",
    "instance.sentinel",
    "merchant.email",
    "pending_consent.secret",
    "published_availability.slots",
    "push_channel.token",
    "reservation.snapshot",
    "unkept_grant.secret",
    "watched_calendar.calendar_id",
    "webhook_attempt.answer",
    "webhook_message.body",
}


BOTH = Vault([NEW, OLD])
KEYS = 5
"""The data keys of the instance, of three merchants, and of ``m``."""


def test_every_column_with_secrets_is_known_by_name() -> None:
    assert {f"{column.table.name}.{column.name}" for column in encrypted_columns(METADATA)} == ENCRYPTED_COLUMNS


def test_every_column_of_the_schema_that_holds_secrets_is_filled_here(store: Store) -> None:
    fill(store, Vault([OLD]))
    assert not [name for name in ENCRYPTED_COLUMNS if not stored_values(store, name)]


def fill_formerly(store: Store, merchants: int = 3) -> dict[str, str]:
    """Fill every column as a former version did; return the connection ids by merchant."""
    Instances(store, Vault([OLD])).get_id()
    begin_as_formerly(store)
    with store.write() as connection:
        erase_data_key(connection, INSTANCE)
        connection.execute(update(table_of(InstanceRow)).values(sentinel=Vault([OLD]).encrypt("slotsync")))
    return fill(store, Vault([OLD]), merchants)


def count(store: Store) -> int:
    """Return the number of encrypted values."""
    return sum(len(stored_values(store, name)) for name in ENCRYPTED_COLUMNS)


def rotate(store: Store, vault: Vault = BOTH, *, accept_unbound: bool = False) -> list[ColumnRotation]:
    return KeyRotation(store, vault).rotate(accept_unbound=accept_unbound)


def total(columns: list[ColumnRotation]) -> tuple[int, int, int]:
    """Return how many values were encrypted again, were current, and are lost."""
    values = [each for each in columns if each.column in ENCRYPTED_COLUMNS]
    return sum(c.renewed for c in values), sum(c.current for c in values), sum(c.lost for c in values)


def data_keys(columns: list[ColumnRotation]) -> tuple[int, int, int]:
    """Return how many data keys were wrapped again, were current, and are lost."""
    (keys,) = (each for each in columns if each.column == DATA_KEYS)
    return keys.renewed, keys.current, keys.lost


def assert_readable(store: Store, vault: Vault, ids: dict[str, str]) -> None:
    """Check that these keys open everything."""
    Instances(store, vault).get_id()
    assert {Connections(store, vault).grant(connection_id).refresh_token for connection_id in ids.values()} == {
        f"refresh-{name}" for name in ids
    }
    assert BlockingCalendars(store, vault).get_calendars("0", TOUR) == [FAMILY]
    for name in ENCRYPTED_COLUMNS:
        assert decrypted_values(store, vault, name)
    pending = PendingConsents(store, vault).take(AwaitedStep.ANSWER, "state")
    assert pending
    assert pending.secret == "verifier"


def test_a_rotation_wraps_the_data_keys_and_leaves_the_values_as_they_are(store: Store) -> None:
    ids = fill(store, Vault([OLD]))
    before = {name: stored_values(store, name) for name in ENCRYPTED_COLUMNS}
    result = rotate(store)
    assert (total(result), data_keys(result)) == ((0, count(store), 0), (KEYS, 0, 0))
    assert {name: stored_values(store, name) for name in ENCRYPTED_COLUMNS} == before
    assert_readable(store, Vault([NEW]), ids)


def test_former_values_are_read_and_a_rotation_encrypts_them_with_data_keys(store: Store) -> None:
    ids = fill_formerly(store)
    assert not any(map(is_of_data_key, (value for name in ENCRYPTED_COLUMNS for value in stored_values(store, name))))
    result = rotate(store)
    assert (total(result), data_keys(result)) == ((count(store), 0, 0), (0, KEYS, 0))
    assert all(map(is_of_data_key, (value for name in ENCRYPTED_COLUMNS for value in stored_values(store, name))))
    assert_readable(store, Vault([NEW]), ids)


def test_a_second_rotation_finds_nothing_to_do(store: Store) -> None:
    fill_formerly(store)
    rotate(store)
    again = rotate(store)
    assert (total(again), data_keys(again)) == ((0, count(store), 0), (0, KEYS, 0))


def test_until_the_first_rotation_nothing_is_written_that_former_processes_could_not_read(store: Store) -> None:
    fill_formerly(store)
    Reservations(store, BOTH).report(snapshot(2, merchant="0"), LATER)
    (kept,) = stored_values(store, "reservation.snapshot")
    assert load_snapshot("0", "R-1042", Vault([NEW]).decrypt(kept)).version == 2
    rotate(store)
    Reservations(store, BOTH).report(snapshot(3, merchant="0"), LATER)
    assert is_of_data_key(stored_values(store, "reservation.snapshot")[0])


def test_what_is_bound_to_no_place_is_refused_after_a_rotation_unless_somebody_wants_it(store: Store) -> None:
    fill_formerly(store, merchants=1)
    rotate(store)
    names = sorted(ENCRYPTED_COLUMNS - {"instance.sentinel", "audit_entry.content"})
    counts = {name: store_as_formerly(store, BOTH, name, Vault([OLD])) for name in names}
    for name in names:
        with pytest.raises(Undecryptable, match="bound to no place"):
            decrypted_values(store, BOTH, name)
    late = sum(counts.values())
    uses = KeyUsage(store, BOTH).get_uses()
    assert [(use.former_values, use.refused_values, use.needed) for use in uses] == [(0, 0, True), (0, late, False)]
    again = rotate(store)
    assert (total(again)[0], sum(each.refused for each in again)) == (0, late)
    assert total(rotate(store, accept_unbound=True))[0] == late
    assert {name: len(decrypted_values(store, Vault([NEW]), name)) for name in names} == counts
    assert all(counts.values())


def test_a_former_value_of_another_merchant_does_not_open_after_a_rotation(store: Store) -> None:
    fill_formerly(store)
    stolen = stored_values(store, "connection.refresh_token")[1]
    rotate(store)
    with store.write() as connection:
        connection.execute(update(table_of(MerchantRow)).where(table_of(MerchantRow).c.id == "0").values(email=stolen))
    found = Merchants(store, BOTH).get("0")
    assert found
    assert found.email is None


def test_in_a_new_database_nothing_that_is_bound_to_no_place_is_ever_taken(store: Store) -> None:
    fill(store, Vault([NEW]))
    store_as_formerly(store, Vault([NEW]), "merchant.email", Vault([NEW]))
    with pytest.raises(Undecryptable, match="bound to no place"):
        decrypted_values(store, Vault([NEW]), "merchant.email")


def test_a_database_of_which_some_values_open_with_no_key_takes_them_once_the_key_is_back(store: Store) -> None:
    ids = fill_formerly(store, merchants=1)
    rotate(store, Vault([NEW]))
    assert total(rotate(store))[0] == count(store)
    assert_readable(store, Vault([NEW]), ids)


def test_a_backup_of_before_the_rotation_is_read_and_rotated(tmp_path: Path) -> None:
    store = open_migrated(f"sqlite:///{tmp_path}/now.db")
    ids = fill_formerly(store)
    with closing(sqlite3.connect(tmp_path / "now.db")) as now, closing(sqlite3.connect(tmp_path / "then.db")) as then:
        now.backup(then)
    rotate(store)
    store.close()
    restored = Store.open(f"sqlite:///{tmp_path}/then.db")
    assert set(decrypted_values(restored, BOTH, "connection.refresh_token").values()) == {f"refresh-{n}" for n in ids}
    assert total(rotate(restored)) == (count(restored), 0, 0)
    assert_readable(restored, Vault([NEW]), ids)
    restored.close()


def test_a_rotation_waits_for_those_who_write_as_formerly(store: Store) -> None:
    ids = fill_formerly(store)
    rotated = threading.Event()

    def run() -> None:
        rotate(store)
        rotated.set()

    with store.write() as connection:
        own, email = DataKeys(BOTH).for_writing(connection, "1"), table_of(MerchantRow).c.email
        rotating = threading.Thread(target=run)
        rotating.start()
        assert not rotated.wait(0.2)
        late = update(table_of(MerchantRow)).where(table_of(MerchantRow).c.id == "1")
        connection.execute(late.values(email=own.encrypt(email, "late@x.example", id="1")))
    rotating.join()
    assert_readable(store, Vault([NEW]), ids)
    found = Merchants(store, Vault([NEW])).get("1")
    assert found
    assert found.email == "late@x.example"


def test_the_usage_says_which_key_of_the_ring_is_still_needed(store: Store) -> None:
    fill(store, Vault([OLD]))
    old = RingKeyUse(ring_key=Vault([OLD]).fingerprints[0], place=2, data_keys=KEYS, values=count(store))
    new = RingKeyUse(ring_key=Vault([NEW]).fingerprints[0], place=1)
    assert KeyUsage(store, BOTH).get_uses() == [new, old]
    assert (new.needed, old.needed) == (False, True)
    rotate(store)
    uses = KeyUsage(store, BOTH).get_uses()
    assert [(use.place, use.data_keys, use.values, use.needed) for use in uses] == [
        (1, KEYS, count(store), True),
        (2, 0, 0, False),
    ]


def test_a_key_that_left_the_ring_too_early_is_named_and_nothing_is_changed(store: Store) -> None:
    fill(store, Vault([OLD]), merchants=1)
    usage = KeyUsage(store, Vault([NEW]))
    assert usage.count_lost() == count(store) > 0
    assert [(use.place, use.needed) for use in usage.get_uses()] == [(1, False), (None, True)]
    assert total(rotate(store, Vault([NEW]))) == (0, 0, count(store))
    assert KeyUsage(store, Vault([OLD])).count_lost() == 0


def test_former_values_that_no_key_opens_are_counted_and_left_as_they_are(store: Store) -> None:
    fill_formerly(store, merchants=1)
    assert KeyUsage(store, Vault([NEW])).count_lost() == count(store) > 0
    assert total(rotate(store, Vault([NEW]))) == (0, 0, count(store))
    assert KeyUsage(store, Vault([OLD])).count_lost() == 0


def test_while_keys_rotate_a_merchants_first_value_needs_no_other_key_than_the_others(store: Store) -> None:
    fill(store, Vault([OLD]))
    Connections(store, BOTH).save_grant("before", "refresh", {"openid"}, "before@x")
    assert KeyUsage(store, BOTH).get_uses()[0].data_keys == 0, "old processes have to read it"
    rotate(store)
    Connections(store, Vault([OLD, NEW])).save_grant("after", "refresh", {"openid"}, "after@x")
    assert KeyUsage(store, BOTH).get_uses()[1].data_keys == 0, "the old key may be removed"


def test_a_forgotten_process_with_the_retired_key_stores_nothing_for_a_new_merchant(store: Store) -> None:
    forgotten = Vault([OLD])
    ids = fill(store, forgotten)
    rotate(store)
    Instances(store, forgotten).get_id()  # it remembers the instance's key for a while
    merchants = Merchants(store, forgotten, AuditLog(store, forgotten))
    for details in (MerchantDetails(email="new@x.example"), MerchantDetails(name="New")):
        with pytest.raises(Undecryptable, match="give all processes the same keys"):
            merchants.put("new", details)
    assert merchants.get("new") is None
    assert [use.needed for use in KeyUsage(store, BOTH).get_uses()] == [True, False]
    assert_readable(store, Vault([NEW]), ids)


@pytest.mark.parametrize("name", sorted(ENCRYPTED_COLUMNS - {"instance.sentinel"}))
def test_a_value_that_is_moved_to_another_row_does_not_open(store: Store, name: str) -> None:
    vault = Vault([NEW])
    fill(store, vault)
    keys, (here, value) = DataKeys(vault), next(iter(stored_cells(store, name).items()))
    others = (
        Cell("another", here.column, here.row),
        Cell(here.merchant, here.column, (*here.row[:-1], "another")),
        Cell(here.merchant, column("instance.sentinel"), here.row),
    )
    with store.read() as session:
        assert keys.decrypt(session, here, value)
        for other in others:
            with pytest.raises(Undecryptable):
                keys.decrypt(session, other, value)


def test_tokens_that_are_swapped_between_merchants_do_not_open(store: Store) -> None:
    ids = fill(store, Vault([NEW]))
    with store.write() as connection:
        table = table_of(ConnectionRow)
        connection.execute(update(table).values(refresh_token=stored_values(store, "connection.refresh_token")[0]))
    opened = 0
    for connection_id in ids.values():
        try:
            Connections(store, Vault([NEW])).grant(connection_id)
            opened += 1
        except Undecryptable:
            continue
    assert opened == 1


def test_without_its_data_key_nothing_of_a_merchant_opens_and_new_values_get_a_new_key(store: Store) -> None:
    ids = fill(store, Vault([NEW]))
    with store.write() as connection:
        erase_data_key(connection, "0")
    fresh = Vault([NEW])
    with pytest.raises(Undecryptable, match="erased"):
        Connections(store, fresh).grant(ids["0"])
    assert Connections(store, fresh).grant(ids["1"]).refresh_token == "refresh-1"
    assert KeyUsage(store, fresh).count_lost() > 0
    assert Connections(store, fresh).save_grant("0", "again", {"openid"}, "0@x") == ids["0"]
    assert Connections(store, Vault([NEW])).grant(ids["0"]).refresh_token == "again"


def test_a_key_is_erased_after_those_who_write_with_it_and_before_those_who_come_later(store: Store) -> None:
    fill(store, Vault([NEW]))
    erased = threading.Event()

    def erase() -> None:
        with store.write() as connection:
            erase_data_key(connection, "0")
        erased.set()

    with store.write() as connection:
        own = DataKeys(Vault([NEW])).for_writing(connection, "0")
        erasing = threading.Thread(target=erase)
        erasing.start()
        assert own.encrypt(column("reservation.snapshot"), "text", id="R-9")
        assert not erased.wait(0.2)
    erasing.join()
    assert erased.is_set()


@pytest.mark.parametrize("attempt", range(3))
def test_a_token_that_is_renewed_while_keys_rotate_is_not_lost(store: Store, attempt: int) -> None:
    ids = fill_formerly(store, merchants=10)
    working = Connections(store, Vault([OLD, NEW]) if attempt else BOTH)
    rotating = threading.Thread(target=rotate, args=(store,))
    rotating.start()
    for connection_id in ids.values():
        working.save_access_token(connection_id, "newest", LATER + timedelta(hours=1), 1)
    rotating.join()
    rotate(store)
    alone = Connections(store, Vault([NEW]))
    assert {alone.grant(connection_id).access_token for connection_id in ids.values()} == {"newest"}


def test_unchanged_busy_times_keep_no_former_value(store: Store) -> None:
    ids = fill(store, BOTH)
    rotate(store)
    begin_as_formerly(store)
    store_as_formerly(store, BOTH, "busy_reading.busy", Vault([OLD]))
    (calendar,) = WatchedAccounts(store, BOTH).get_calendars(ids["0"])
    reading = NewReading(watched_id=calendar.id, chunk=0, interval=SPAN, good_for=timedelta(hours=1))
    BusyReadings(store, BOTH).record(ids["0"], [reading], LATER + timedelta(minutes=1))
    assert all(map(is_of_data_key, stored_values(store, "busy_reading.busy")))
