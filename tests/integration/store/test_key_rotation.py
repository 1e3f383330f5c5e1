import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey, PublishRequest
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.availability.publications import Publications
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import ColumnRotation, count_lost, encrypted_columns, rotate
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from tests.support.samples import snapshot
from tests.support.stored_messages import put_message

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
    Merchants(store, vault).put("0", MerchantDetails(email="owner@arctic.example"))
    Instances(store, vault).get_id()
    Owners(store).put("0", TOUR, OwnerSettings(name="Tour"))
    BlockingCalendars(store, vault).replace("0", TOUR, [FAMILY])
    Reservations(store, vault).report(snapshot(merchant="0"), LATER)
    put_message(store, vault, "m-1", "body", LATER)
    answer = Confirmation(answer=Verdict.NO, checked_at=LATER, because="busy", evidence=(Evidence(calendar="Family"),))
    Confirmations(store, vault).put(ProductKey(merchant="0", product=TOUR.id), {"c-1": answer}, LATER)
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
        PublishRequest(merchant="0", product="tour", token="t"), result, LATER
    )


ENCRYPTED_COLUMNS = {
    "audit_entry.content",
    "blocking_calendar.calendar_id",
    "blocking_calendar.name",
    "busy_reading.busy",
    "confirmation.evidence",
    "connection.access_token",
    "connection.account_email",
    "connection.refresh_token",
    "instance.sentinel",
    "merchant.email",
    "pending_consent.secret",
    "published_availability.slots",
    "push_channel.token",
    "reservation.snapshot",
    "watched_calendar.calendar_id",
    "webhook_message.body",
}


def test_every_column_with_secrets_is_known_by_name() -> None:
    assert {f"{table.name}.{column.name}" for table, column in encrypted_columns()} == ENCRYPTED_COLUMNS


def count(store: Store) -> int:
    """Return the number of encrypted values."""
    with store.read() as session:
        counted = [
            session.connection().execute(text(f"SELECT count({column.name}) FROM {table.name}")).scalar_one()
            for table, column in encrypted_columns()
        ]
    return sum(counted)


def total(columns: list[ColumnRotation]) -> tuple[int, int, int]:
    return sum(c.renewed for c in columns), sum(c.current for c in columns), sum(c.lost for c in columns)


def test_afterwards_the_new_key_alone_opens_everything(store: Store) -> None:
    ids = fill(store, Vault([OLD]))
    assert total(rotate(store, Vault([NEW, OLD]))) == (count(store), 0, 0)
    vault = Vault([NEW])
    assert {Connections(store, vault).grant(connection_id).refresh_token for connection_id in ids.values()} == {
        f"refresh-{name}" for name in ids
    }
    pending = PendingConsents(store, vault).take(AwaitedStep.ANSWER, "state")
    assert pending
    assert pending.secret == "verifier"
    assert BlockingCalendars(store, vault).get_calendars("0", TOUR) == [FAMILY]


def test_a_second_rotation_finds_nothing_to_do(store: Store) -> None:
    fill(store, Vault([OLD]))
    rotate(store, Vault([NEW, OLD]))
    assert total(rotate(store, Vault([NEW, OLD]))) == (0, count(store), 0)


def test_a_secret_that_no_key_opens_is_counted_and_left_as_it_is(store: Store) -> None:
    fill(store, Vault([OLD]), merchants=1)
    assert count_lost(store, Vault([NEW])) == count(store) > 0
    assert total(rotate(store, Vault([NEW]))) == (0, 0, count(store))
    assert count_lost(store, Vault([OLD])) == 0


def test_every_column_of_the_schema_that_holds_secrets_is_rotated(store: Store) -> None:
    fill(store, Vault([OLD]))
    with store.read() as session:
        for table, column in encrypted_columns():
            assert session.connection().execute(text(f"SELECT count({column.name}) FROM {table.name}")).scalar(), (
                f"fill() leaves {table.name}.{column.name} empty"
            )


@pytest.mark.parametrize("attempt", range(3))
def test_a_token_that_is_renewed_while_keys_rotate_is_not_lost(store: Store, attempt: int) -> None:
    ids = fill(store, Vault([OLD]), merchants=10)
    working = Connections(store, Vault([NEW, OLD]))
    rotating = threading.Thread(target=rotate, args=(store, Vault([NEW, OLD])))
    rotating.start()
    for connection_id in ids.values():
        working.save_access_token(connection_id, "newest", LATER + timedelta(hours=1), 1)
    rotating.join()
    alone = Connections(store, Vault([NEW]))
    assert {alone.grant(connection_id).access_token for connection_id in ids.values()} == {"newest"}
