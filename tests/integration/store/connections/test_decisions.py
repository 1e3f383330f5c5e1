"""Decisions on consents: one transaction each, also beside other decisions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.decisions import Accepted, Decisions
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.connections.pending_consents import AwaitedStep, OpenConsent, PendingConsents
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEP = AwaitedStep.CONFIRMATION


@pytest.fixture
def decisions(store: Store, vault: Vault) -> Decisions:
    return Decisions(store, vault)


@pytest.fixture
def pending(store: Store, vault: Vault) -> PendingConsents:
    return PendingConsents(store, vault)


def put(pending: PendingConsents, key: str, account: str = "a") -> None:
    """Store what Google has answered."""
    grant = NewGrant(account_email=f"{account}@x", account_key=account, scopes=frozenset(), refresh_token=account)
    pending.put(STEP, key, merchant="m", browser="b", secret=grant.write(), account_key=account)


def accept(decisions: Decisions, key: str) -> Accepted | OpenConsent | None:
    return decisions.accept(STEP, key, lambda consent: consent.is_from("b"))


def test_of_decisions_at_the_same_time_one_connects(decisions: Decisions, pending: PendingConsents) -> None:
    put(pending, "key")
    with ThreadPoolExecutor(4) as threads:
        answers = [*threads.map(lambda _: accept(decisions, "key"), range(4))]
    assert sorted(answer is not None for answer in answers) == [False, False, False, True]
    assert pending.give_up_expired() == []


def test_the_grant_of_another_account_waits_for_its_end(
    decisions: Decisions, pending: PendingConsents, connections: Connections
) -> None:
    for account in ("a", "b"):
        put(pending, account, account)
        assert isinstance(accept(decisions, account), Accepted)
    (key_hash,) = pending.give_up_expired()
    unneeded = pending.get_unneeded(key_hash)
    assert unneeded
    assert NewGrant.read(unneeded.secret).refresh_token == "a"
    assert not connections.is_account_used(unneeded.account_key)
    assert connections.is_account_used("b")
    put(pending, "undecided")
    assert connections.is_account_used(unneeded.account_key)


def test_what_is_refused_or_declined_waits_for_its_end_and_connects_nothing(
    decisions: Decisions, pending: PendingConsents, connections: Connections
) -> None:
    put(pending, "refused")
    put(pending, "declined")
    assert isinstance(decisions.accept(STEP, "refused", lambda _: False), OpenConsent)
    assert decisions.decline(STEP, "declined")
    assert len(pending.give_up_expired()) == 2
    assert [accept(decisions, key) for key in ("refused", "declined")] == [None, None]
    assert connections.get_state("m") is ConnectionState.DISCONNECTED


@pytest.mark.parametrize("attempt", range(5))
def test_a_decision_beside_a_disconnection_connects_nothing_in_the_end(
    store: Store, vault: Vault, pending: PendingConsents, attempt: int
) -> None:
    put(pending, "first", "a")
    assert isinstance(accept(Decisions(store, vault), "first"), Accepted)
    put(pending, "second", "b")
    disconnections, connections = Disconnections(store, vault), Connections(store, vault)
    with ThreadPoolExecutor(2) as threads:
        deciding = threads.submit(accept, Decisions(store, vault), "second")
        ending = threads.submit(disconnections.request, "m", CalendarChoice.KEEP, NOON)
        assert ending.result()
    assert len(pending.give_up_expired()) == 1, "the grant of the former account, or that of the consent"
    assert connections.get_state("m") is ConnectionState.DISCONNECTED, deciding.result()
