"""The audit log: what stands in it, and that nothing of it is ever changed or deleted."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import slotsync.store
from slotsync.domain.audit import (
    GOOGLE,
    OPERATOR,
    SLOTSYNC,
    Actor,
    ActorKind,
    AuditAction,
    AuditChange,
    AuditDetail,
    AuditEntry,
)
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges, OwnerSettings, Switch
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault, WrappedKey
from slotsync.store import audit_log
from slotsync.store.audit_log import AuditLog, act_as, current_actor
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.data_keys import erase_data_key
from slotsync.store.database.cells import INSTANCE
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import KeyRotation
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from tests.support.samples import snapshot
from tests.support.stored_reservations import ANY_KEY
from tests.support.stored_secrets import begin_as_formerly, decrypted_values, store_as_formerly

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR = Owner.product("tour")
KEY = Actor(kind=ActorKind.KEY, name="backend", address="192.0.2.7")
GRANT = NewGrant(
    account_email="anna@gmail.example",
    account_key="key of anna",
    scopes=frozenset({"openid", "https://www.googleapis.com/auth/calendar.app.created"}),
    refresh_token="refresh-token-1",
    access_token="access-token-1",
)
FAMILY, BOAT = (PickableCalendar(id=f"{name}@group.example", name=name) for name in ("Family", "Boat"))


@pytest.fixture
def audit(store: Store, vault: Vault) -> AuditLog:
    return AuditLog(store, vault)


@pytest.fixture(autouse=True)
def _by_key() -> None:
    """Let everything be done by an API key."""
    act_as(KEY)


def entries(audit: AuditLog, merchant: str = "m") -> list[AuditEntry]:
    return audit.list_entries(merchant, 1000)


def last(audit: AuditLog) -> tuple[str, AuditDetail]:
    entry = entries(audit)[-1]
    assert entry.detail
    return entry.action, entry.detail


def told(audit: AuditLog) -> tuple[object, ...]:
    """Return action, subject, values before and after, and what was overridden, of the last entry."""
    action, detail = last(audit)
    return action, detail.subject, detail.before, detail.after, detail.overridden


def record(store: Store, audit: AuditLog, merchant: str = "m", subject: str = "merchant") -> None:
    with store.write() as connection:
        audit.record(connection, merchant, AuditChange(action=AuditAction.VISITS_ENDED, subject=subject), NOON)


# What stands in it


def test_a_new_product_stands_there_with_all_its_settings_and_a_change_with_what_differs(
    store: Store, audit: AuditLog
) -> None:
    owners = Owners(store, audit)
    owners.put("m", TOUR, OwnerChanges(name="Tour", guest_data=GuestData.BUSY))
    action, detail = last(audit)
    assert (action, detail.by, detail.subject, detail.before) == ("settings.changed", KEY, "product:tour", {})
    assert detail.after.items() >= {"name": "Tour", "guest_data": "busy", "sync": True}.items()
    owners.put("m", TOUR, OwnerChanges(name="Tour", guest_data=GuestData.FULL, pad_after_minutes=15))
    changed = {"guest_data": "busy", "pad_after_minutes": 0}, {"guest_data": "full", "pad_after_minutes": 15}
    assert told(audit) == ("settings.changed", "product:tour", *changed, ())
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.FULL))
    assert len(entries(audit)) == 2, "settings that are known already change nothing"


def test_an_override_of_the_merchants_choice_stands_there_and_what_is_not_overridden_does_not(
    store: Store, audit: AuditLog
) -> None:
    owners = Owners(store, audit)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.BUSY), Chooser.MERCHANT)
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.FULL))
    assert len(entries(audit)) == 2
    owners.put("m", TOUR, OwnerChanges(name="T", guest_data=GuestData.FULL), override=True)
    values = {"name": "Tour", "guest_data": "busy"}, {"name": "T", "guest_data": "full"}
    assert told(audit) == ("settings.changed", "product:tour", *values, ("guest_data",))


def test_switches_stand_there_with_their_overrides(store: Store, audit: AuditLog) -> None:
    owners, on, off = Owners(store, audit), Switch(sync=True), Switch(sync=False, remove_events=True)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    values = {"sync": True, "remove_events": False}, {"sync": False, "remove_events": True}
    owners.switch("m", TOUR, off, Chooser.MERCHANT)
    assert told(audit) == ("settings.changed", "product:tour", *values, ())
    owners.switch("m", TOUR, on, override=True)
    assert told(audit) == ("settings.changed", "product:tour", *reversed(values), ("sync",))
    owners.switch_merchant("m", off, Chooser.MERCHANT)
    assert told(audit) == ("settings.changed", "merchant", *values, ())
    owners.switch_merchant("m", on, override=True)
    assert told(audit) == ("settings.changed", "merchant", *reversed(values), ("sync",))
    owners.delete("m", TOUR, remove_events=False)
    assert told(audit) == ("settings.deleted", "product:tour", {}, {"remove_events": False}, ())


def test_an_address_and_what_may_be_secret_in_a_web_address_are_not_told_only_that_they_changed(
    store: Store, vault: Vault, audit: AuditLog
) -> None:
    merchants = Merchants(store, vault, audit)
    addresses = {"return_url": "https://bob:secret@platform.example/back?token=s3cr3t#x", "email": "anna@gmail.example"}
    merchants.put("m", MerchantDetails(**addresses, logo_url="https://platform.example:8443"))
    gone = {"return_url": None, "email": None, "logo_url": None}
    known = {
        "return_url": "https://platform.example/...",
        "email": "not recorded",
        "logo_url": "https://platform.example:8443",
    }
    assert told(audit) == ("merchant.changed", "merchant", gone, known, ())
    merchants.put("m", MerchantDetails(email="ben@gmail.example"))
    assert told(audit) == ("merchant.changed", "merchant", {"email": "not recorded"}, {"email": "not recorded"}, ())
    merchants.put("m", MerchantDetails(**gone))
    assert told(audit) == ("merchant.changed", "merchant", known, gone, ())


def test_what_the_platform_says_of_a_merchant_and_ended_visits_stand_there(
    store: Store, vault: Vault, audit: AuditLog
) -> None:
    merchants = Merchants(store, vault, audit)
    merchants.put("m", MerchantDetails(name="Arctic Kayaks", language="fi"))
    values = {"name": None, "language": None}, {"name": "Arctic Kayaks", "language": "fi"}
    assert told(audit) == ("merchant.changed", "merchant", *values, ())
    merchants.put("m", MerchantDetails(language="fi"))
    assert len(entries(audit)) == 1
    merchants.end_visits("m")
    assert told(audit) == ("visits.ended", "merchant", {}, {}, ())


def test_picks_stand_there_by_their_number_and_never_by_name(store: Store, vault: Vault, audit: AuditLog) -> None:
    Owners(store).put("m", TOUR, OwnerSettings(name="Tour"))
    picked = BlockingCalendars(store, vault)
    picked.replace("m", TOUR, [FAMILY])
    counted = {"calendars": 0}, {"calendars": 1, "added": 1, "removed": 0}
    assert told(audit) == ("calendars.picked", "product:tour", *counted, ())
    picked.replace("m", TOUR, [BOAT])
    counted = {"calendars": 1}, {"calendars": 1, "added": 1, "removed": 1}
    assert told(audit) == ("calendars.picked", "product:tour", *counted, ())
    picked.replace("m", TOUR, [BOAT])
    assert len(entries(audit)) == 2


def test_picks_can_be_replaced_after_their_key_is_gone(store: Store, vault: Vault) -> None:
    Owners(store).put("m", TOUR, OwnerSettings(name="Tour"))
    other = Vault([Fernet.generate_key().decode()])
    BlockingCalendars(store, other).replace("m", TOUR, [FAMILY])
    BlockingCalendars(store, vault).replace("m", TOUR, [])
    assert not BlockingCalendars(store, vault).get_calendars("m", TOUR)
    assert [entry.action for entry in entries(AuditLog(store, vault))] == ["calendars.picked", "calendars.picked"]
    BlockingCalendars(store, other).replace("m", TOUR, [FAMILY])
    store_as_formerly(store, other, "blocking_calendar.calendar_id", vault)
    BlockingCalendars(store, other).replace("m", TOUR, [])
    assert last(AuditLog(store, other))[1].after == {"calendars": 0, "added": 0, "removed": 1}


def test_the_life_of_a_grant_stands_there(store: Store, audit: AuditLog, connections: Connections) -> None:
    connection_id = connections.save("m", GRANT)
    scopes = ("calendar.app.created", "openid")
    assert told(audit) == ("grant.given", "connection", {}, {"state": "active", "scopes": scopes}, ())
    assert last(audit)[1].by == KEY
    connections.mark_revoked(connection_id, "invalid_grant", 1)
    refused = {"state": "active"}, {"state": "revoked", "reason": "invalid_grant"}
    assert told(audit) == ("grant.refused", "connection", *refused, ())
    connections.mark_revoked(connection_id, "invalid_grant", 1)
    connections.restore(connection_id, 1, "access-token-2", NOON)
    assert told(audit) == ("grant.restored", "connection", {"state": "revoked"}, {"state": "active"}, ())
    connections.mark_revoked(connection_id, "invalid_grant", 2)
    connections.forget_refused("m", 2)
    connections.forget_refused("m", 2)
    assert told(audit) == ("grant.forgotten", "connection", {}, {}, ())
    by = [entry.detail and entry.detail.by for entry in entries(audit)]
    assert by == [KEY, GOOGLE, GOOGLE, GOOGLE, SLOTSYNC]


def test_another_account_and_a_disconnection_stand_there(
    store: Store, vault: Vault, audit: AuditLog, connections: Connections
) -> None:
    connections.save("m", GRANT)
    other = NewGrant(account_email="b@x", account_key="key of b", scopes=frozenset({"openid"}), refresh_token="r")
    connections.save("m", other)
    after = {"state": "active", "scopes": ("openid",), "other_account": True}
    assert told(audit) == ("grant.given", "connection", {"state": "active"}, after, ())
    assert Disconnections(store, vault).request("m", CalendarChoice.DELETE, NOON)
    gone = {"state": "active"}, {"state": "disconnected", "calendars": "delete"}
    assert told(audit) == ("connection.disconnected", "connection", *gone, ())
    assert not Disconnections(store, vault).request("unheard-of", CalendarChoice.KEEP, NOON)
    assert entries(audit, "unheard-of") == []


def test_what_an_operator_stops_stands_there_and_who_resumes_it(
    store: Store, vault: Vault, audit: AuditLog, connections: Connections
) -> None:
    owners, intents = Owners(store, audit), ConnectionIntents(store, audit)
    products, reservations = WatchedProducts(store, audit), Reservations(store, vault)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    connections.save("m", GRANT)
    reservations.report(snapshot(merchant="m"), NOON)
    switches = MerchantSwitches(store, audit)
    owners.switch_merchant("m", Switch(sync=False), Chooser.MERCHANT)
    begun = len(entries(audit))
    for _ in range(2):  # the second time there is nothing left to stop
        owners.stop("m", TOUR, NOON)
        intents.stop("m", NOON)
        products.stop(ProductKey(merchant="m", product="tour"), NOON)
        reservations.stop("m", "R-1", NOON)
        switches.stop("m", NOON)
    for _ in range(2):
        switches.resume("m", NOON)
        reservations.resume("m", None, NOON, limit=10)
        products.resume("m", NOON)
        intents.resume("m", NOON)
        owners.resume("m", NOON)
    found = [(entry.action, entry.detail.subject, entry.detail.by) for entry in entries(audit)[begun:] if entry.detail]
    stopped = ("calendar:product:tour", "connection", "availability:tour", "reservation:R-1", "switch")
    assert found == [
        *(("work.stopped", each, OPERATOR) for each in stopped),
        *(("work.resumed", each, KEY) for each in reversed(stopped)),
    ]


def test_a_change_that_fails_leaves_no_entry(store: Store, audit: AuditLog) -> None:
    with pytest.raises(InterruptedError):
        _record_and_fail(store, audit)
    assert entries(audit) == []


def _record_and_fail(store: Store, audit: AuditLog) -> None:
    with store.write() as connection:
        audit.record(connection, "m", AuditChange(action=AuditAction.VISITS_ENDED, subject="merchant"), NOON)
        raise InterruptedError


def test_without_another_actor_it_was_a_program_of_this_machine() -> None:
    found = Context().run(current_actor)
    assert found.kind is ActorKind.PROGRAM
    assert found.address


# That nothing of it is changed or deleted


ROOMS = ("slotsync", "activities", "workflows", "starter")
CHANGES = (
    "UPDATE audit_entry SET action = 'nothing'",
    "UPDATE audit_entry SET number = 99",
    "UPDATE audit_entry SET merchant = 'other'",
    "UPDATE audit_entry SET at = NULL",
    "UPDATE audit_entry SET content = 'x', action = 'nothing'",
    "UPDATE audit_entry SET content = NULL",
    "UPDATE audit_entry SET content = ''",
    "UPDATE audit_entry SET content = content",
    "UPDATE audit_entry SET content = 'v1.0123456789abcdef.x'",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_entry WHERE number = 1",
)


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_to_change_or_delete_an_entry(store: Store, audit: AuditLog, statement: str) -> None:
    record(store, audit)
    before = entries(audit)
    with pytest.raises(DBAPIError, match="neither changed nor deleted"), store.write() as connection:
        connection.execute(text(statement))
    assert entries(audit) == before


@pytest.mark.parametrize("content", ["NULL", "''", "'x'", "'V1.x'", "content"])
def test_a_former_content_gives_way_to_what_a_rotation_encrypts_alone_and_once(store: Store, content: str) -> None:
    vault = Vault([Fernet.generate_key().decode()])
    Instances(store, vault).get_id()
    begin_as_formerly(store)
    with store.write() as connection:
        erase_data_key(connection, INSTANCE)
    audit = AuditLog(store, vault)
    record(store, audit)
    before = entries(audit)
    change = text(f"UPDATE audit_entry SET content = {content}")
    for _ in range(2):
        with pytest.raises(DBAPIError, match="neither changed nor deleted"), store.write() as connection:
            connection.execute(change)
        KeyRotation(store, vault).rotate()
    assert entries(AuditLog(store, vault)) == before


OWN_WAYS = {
    "postgresql": "TRUNCATE audit_entry",
    "sqlite": "INSERT OR REPLACE INTO audit_entry VALUES ('m', 1, '2026-11-22', 'nothing', 'x')",
}


def test_neither_database_has_a_way_of_its_own(store: Store, audit: AuditLog) -> None:
    record(store, audit)
    before = entries(audit)
    with pytest.raises(DBAPIError, match="neither changed nor deleted"), store.write() as connection:
        connection.execute(text(OWN_WAYS[connection.dialect.name]))
    assert entries(audit) == before


@pytest.mark.parametrize("number", [-1, 0, 3, 2**31 - 1])
def test_a_forged_entry_takes_no_number_but_the_next_and_blocks_none_that_follows(
    store: Store, audit: AuditLog, number: int
) -> None:
    record(store, audit)
    forge = text("INSERT INTO audit_entry VALUES ('m', :number, '2026-11-22 12:00:00', 'nothing', NULL)")
    with pytest.raises(DBAPIError, match="in the order of their numbers only"), store.write() as connection:
        connection.execute(forge, {"number": number})
    with store.write() as connection:
        connection.execute(forge, {"number": 2})
    record(store, audit)
    assert [entry.number for entry in entries(audit)] == [1, 2, 3]


def test_no_code_but_the_rotation_of_keys_knows_how_to_change_the_table() -> None:
    root = Path(slotsync.store.__path__[0]).parents[1]
    sources = [path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts]
    naming = {path.name for path in sources if re.search(r"AuditEntryRow|audit_entry|tables\.audit", path.read_text())}
    readers = {"erasures.py", "export.py", "key_usage.py"}
    assert naming == {"audit.py", "audit_log.py"} | readers, "the last three keep it, and read it"
    code = Path(audit_log.__file__).read_text()
    assert not re.search(r"\b(update|delete|on_conflict_do_update)\b", code)
    public = {name for name in vars(AuditLog) if not name.startswith("_")}
    assert public == {"record", "list_entries", "list_newest"}


def test_a_rotation_of_keys_keeps_every_entry_as_it_was_and_stands_there_itself(store: Store) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    Merchants(store, Vault([old]), AuditLog(store, Vault([old]))).put("m", MerchantDetails(name="Arctic Kayaks"))
    before = entries(AuditLog(store, Vault([old])))
    both = Vault([new, old])
    KeyRotation(store, both, AuditLog(store, both)).rotate()
    KeyRotation(store, both, AuditLog(store, both)).rotate()  # with nothing to do
    after = entries(AuditLog(store, Vault([new])))
    assert after[:-1] == before
    assert (after[-1].action, after[-1].detail and after[-1].detail.by) == ("keys.rotated", KEY)


def test_a_rotation_that_is_killed_stands_in_the_logs_that_it_has_reached_and_the_next_one_in_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, merchants = Fernet.generate_key().decode(), ("a", "b", "c")
    for merchant in merchants:
        Merchants(store, Vault([old])).put(merchant, MerchantDetails(email=f"{merchant}@x.example"))
    both_keys = (Fernet.generate_key().decode(), old)
    both = Vault(both_keys)
    audit = AuditLog(store, both)

    def count() -> list[int]:
        return sorted(len(entries(audit, merchant)) for merchant in merchants)

    def rewrap_unless_killed(key: WrappedKey) -> WrappedKey:
        if sum(count()):
            raise KeyboardInterrupt
        return Vault(both_keys).rewrap(key)

    monkeypatch.setattr(both, "rewrap", rewrap_unless_killed)
    with pytest.raises(KeyboardInterrupt):
        KeyRotation(store, both, audit).rotate()
    assert count() == [0, 0, 1]
    monkeypatch.undo()
    for _ in range(2):
        KeyRotation(store, both, audit).rotate()
    assert count() == [1, 1, 1]
    assert {each.action for merchant in merchants for each in entries(audit, merchant)} == {"keys.rotated"}


def test_without_its_key_an_entry_is_still_there(store: Store, audit: AuditLog) -> None:
    record(store, audit)
    (entry,) = entries(AuditLog(store, Vault([Fernet.generate_key().decode()])))
    assert (entry.number, entry.at, entry.action, entry.detail) == (1, NOON, "visits.ended", None)


# Numbers


def test_entries_of_many_threads_have_numbers_without_gaps_and_come_in_their_order(
    store: Store, audit: AuditLog
) -> None:
    owners, tours = Owners(store, audit), [Owner.product(f"tour-{number}") for number in range(8)]
    for tour in tours:
        owners.put("m", tour, OwnerChanges(name="Tour"))

    def change(number: int) -> None:
        if number % 8:
            owners.put("m", tours[number % 8], OwnerChanges(name=f"Tour {number}"))
        else:  # changes the merchant's row first, and then those of all owners
            owners.switch_merchant("m", Switch(sync=bool(number % 16)))

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(copy_context().run, change, number) for number in range(64)]:
            done.result()
    assert [entry.number for entry in entries(audit)] == [*range(1, len(entries(audit)) + 1)]
    assert len(entries(audit)) > 60


def test_each_merchant_has_its_own_numbers_and_entries(store: Store, audit: AuditLog) -> None:
    for merchant in ("m", "n", "m"):
        record(store, audit, merchant, subject=merchant)
    assert [(each.number, each.detail and each.detail.subject) for each in entries(audit)] == [(1, "m"), (2, "m")]
    assert [each.number for each in entries(audit, "n")] == [1]


def test_entries_are_listed_page_by_page_in_both_directions(store: Store, audit: AuditLog) -> None:
    for _ in range(5):
        record(store, audit)
    assert [each.number for each in audit.list_entries("m", 2, after=2)] == [3, 4]
    assert [each.number for each in audit.list_newest("m", 2)] == [5, 4]
    assert [each.number for each in audit.list_newest("m", 9, before=3)] == [2, 1]


# Secrets


def test_no_secret_and_no_name_of_an_account_or_calendar_is_in_any_entry(
    store: Store, vault: Vault, connections: Connections
) -> None:
    connection_id = connections.save("m", GRANT)
    connections.mark_revoked(connection_id, "invalid_grant", 1)
    connections.restore(connection_id, 1, "access-token-2", NOON + timedelta(hours=1))
    Owners(store, AuditLog(store, vault)).put("m", TOUR, OwnerChanges(name="Tour"))
    BlockingCalendars(store, vault).replace("m", TOUR, [FAMILY, BOAT])
    Disconnections(store, vault).request("m", CalendarChoice.KEEP, NOON)
    with store.read() as session:
        rows = session.connection().execute(text("SELECT content FROM audit_entry")).scalars().all()
    assert len(rows) == 6
    readable = " ".join(decrypted_values(store, vault, "audit_entry.content").values())
    for secret in ("refresh-token", "access-token", "anna", "Family", "Boat", "group.example"):
        assert secret not in readable
    with pytest.raises(json.JSONDecodeError):
        json.loads(rows[0])


def test_what_ends_a_stop_by_itself_says_that_the_work_goes_on(store: Store) -> None:
    audit = AuditLog(store, ANY_KEY)
    owners, reservations = Owners(store, audit), Reservations(store, ANY_KEY)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    reservations.report(snapshot(1, merchant="m"), NOON)
    known = len(audit.list_entries("m", 50))

    def by_key(change: Callable[[], object]) -> None:
        act_as(KEY)
        change()

    def stop_and(change: Callable[[], object]) -> None:
        owners.stop("m", TOUR, NOON)
        Context().run(by_key, change)

    stop_and(lambda: owners.put("m", TOUR, OwnerChanges(name="Tour")))  # which is no change
    Context().run(by_key, lambda: owners.put("m", TOUR, OwnerChanges(name="Tour 2")))
    stop_and(lambda: owners.switch("m", TOUR, Switch(sync=False)))
    stop_and(lambda: owners.delete("m", TOUR, remove_events=False))
    reservations.stop("m", "R-1", NOON)
    Context().run(by_key, lambda: reservations.report(snapshot(2, merchant="m"), NOON))
    reservations.report(snapshot(3, merchant="m"), NOON)
    found = [(each.action, each.detail and each.detail.subject) for each in audit.list_entries("m", 50, after=known)]
    stopped, resumed = ("work.stopped", "calendar:product:tour"), ("work.resumed", "calendar:product:tour")
    changed, deleted = ("settings.changed", "product:tour"), ("settings.deleted", "product:tour")
    assert found == [
        *(stopped, changed, resumed),
        *(stopped, changed, resumed),
        *(stopped, deleted, resumed),
        *(("work.stopped", "reservation:R-1"), ("work.resumed", "reservation:R-1")),
    ]
    by = {each.detail.by for each in audit.list_entries("m", 50, after=known) if each.detail and "res" in each.action}
    assert by == {KEY}


def test_a_product_that_is_put_again_after_a_deletion_is_not_said_to_be_overridden(store: Store) -> None:
    audit = AuditLog(store, ANY_KEY)
    owners = Owners(store, audit)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.BUSY), Chooser.MERCHANT)
    owners.put("m", TOUR, OwnerChanges(guest_data=GuestData.FULL), override=True)
    owners.delete("m", TOUR, remove_events=False)
    owners.put("m", TOUR, OwnerChanges(name="Tour"))
    overridden = [each.detail.overridden for each in audit.list_entries("m", 50) if each.detail]
    assert overridden == [(), (), ("guest_data",), (), ()]


def test_a_connection_that_an_operator_stopped_goes_on_with_a_grant_and_with_a_disconnection(store: Store) -> None:
    audit = AuditLog(store, ANY_KEY)
    connections, intents = Connections(store, ANY_KEY), ConnectionIntents(store, audit)
    connections.save("m", GRANT)
    intents.stop("m", NOON)
    connections.save("m", GRANT)
    intents.stop("m", NOON)
    Disconnections(store, ANY_KEY).request("m", CalendarChoice.KEEP, NOON)
    actions = [each.action for each in audit.list_entries("m", 50)]
    given, disconnected, stop = "grant.given", "connection.disconnected", ("work.stopped",)
    assert actions == [given, *stop, given, "work.resumed", *stop, disconnected, "work.resumed"]
