"""Account keys: what tells accounts apart in the database is an HMAC, and goes with a disconnection."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.calendars.creation_limit import PERMIT_COUNT_WINDOW
from slotsync.domain.connections.connection import Account
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import KeyRotation
from tests.support.stored_secrets import begin_as_formerly

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE, OTHER = Account(id="1", email="one@x"), Account(id="2", email="other@x")


def grant(account: Account) -> NewGrant:
    return NewGrant(account_email=account.email, account_key=account.key, scopes=frozenset(), refresh_token="r")


def stored_keys(store: Store) -> list[str | None]:
    with store.read() as session:
        return [*session.connection().execute(text("SELECT account_key FROM connection ORDER BY merchant")).scalars()]


def test_what_is_stored_cannot_be_computed_from_googles_id(store: Store, connections: Connections) -> None:
    connections.save("a", grant(ONE))
    connections.save("b", grant(ONE))
    connections.save("c", grant(OTHER))
    a, b, c = stored_keys(store)
    assert a == b != c
    assert a
    assert ONE.key not in a


def test_merchants_with_one_account_share_it_and_others_do_not(
    store: Store, vault: Vault, connections: Connections
) -> None:
    connections.save("a", grant(ONE))
    shared, alone = connections.save("b", grant(ONE)), connections.save("c", grant(OTHER))
    disconnections = Disconnections(store, vault)
    assert (disconnections.is_shared(shared), disconnections.is_shared(alone)) == (True, False)
    assert connections.is_account_used(OTHER.key)
    assert not connections.is_account_used(Account(id="3", email="x").key)
    assert not connections.is_account_used(None)


def test_a_known_account_is_told_from_another_one(store: Store, vault: Vault, connections: Connections) -> None:
    connections.save("a", grant(ONE))
    views = ConnectionViews(store, vault, ())
    known = views.get_account("a")
    assert known
    assert not views.is_other(known, ONE.key, "renamed@x")
    assert views.is_other(known, OTHER.key, ONE.email)


def test_a_disconnection_forgets_the_account(store: Store, vault: Vault, connections: Connections) -> None:
    connection_id = connections.save("a", grant(ONE))
    disconnections = Disconnections(store, vault)
    disconnections.request("a", CalendarChoice.KEEP, NOON)
    assert stored_keys(store) != [None], "the cleaning up asks whether others use the account"
    disconnections.finish(connection_id, CalendarChoice.KEEP)
    assert disconnections.forget_account_keys(NOON + PERMIT_COUNT_WINDOW + timedelta(seconds=1)) == 1
    assert stored_keys(store) == [None]


@pytest.mark.parametrize("rotated", [False, True])
def test_what_a_former_version_stored_still_tells_accounts_apart(
    store: Store, vault: Vault, connections: Connections, *, rotated: bool
) -> None:
    Instances(store, vault).get_id()
    begin_as_formerly(store)
    connections.save("a", grant(ONE))
    assert stored_keys(store) == [ONE.key], "former processes compare it"
    if rotated:
        KeyRotation(store, vault).rotate()
        assert stored_keys(store) != [ONE.key]
    shared, alone = connections.save("b", grant(ONE)), connections.save("c", grant(OTHER))
    disconnections = Disconnections(store, vault)
    assert (disconnections.is_shared(shared), disconnections.is_shared(alone)) == (True, False)


def test_what_a_former_process_stores_after_a_rotation_is_compared_and_taken_by_the_next(
    store: Store, vault: Vault, connections: Connections
) -> None:
    Instances(store, vault).get_id()
    own = connections.save("a", grant(ONE))
    connections.save("b", grant(ONE))
    with store.write() as connection:
        connection.execute(text("UPDATE connection SET account_key = :key WHERE merchant = 'b'"), {"key": ONE.key})
    assert Disconnections(store, vault).is_shared(own)
    rotated = {each.column: each.renewed for each in KeyRotation(store, vault).rotate()}
    assert rotated["connection.account_key"] == 1
    assert len({*stored_keys(store)}) == 1


@pytest.mark.parametrize("formerly", [False, True])
def test_a_consent_that_waits_for_a_decision_tells_its_account_by_a_hash(
    store: Store, vault: Vault, connections: Connections, *, formerly: bool
) -> None:
    Instances(store, vault).get_id()
    if formerly:
        begin_as_formerly(store)
    step, pending = AwaitedStep.CONFIRMATION, PendingConsents(store, vault)
    pending.put(step, "key", merchant="a", browser="b", secret="s", account_key=ONE.key)
    assert connections.is_account_used(ONE.key)
    rotated = {each.column: each.renewed for each in KeyRotation(store, vault).rotate()}
    assert rotated["pending_consent.account_key"] == int(formerly)
    assert connections.is_account_used(ONE.key)
    assert not connections.is_account_used(OTHER.key)
    taken = pending.take(step, "key")
    assert taken
    assert taken.account_key
    assert ONE.key not in taken.account_key
    assert not connections.is_account_used(ONE.key)
