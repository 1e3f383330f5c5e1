"""Confirmations in the store: the evidence is the merchant's, and goes with the connection."""

from datetime import UTC, datetime

from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store
from tests.support.stored_reservations import ANY_KEY

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVIDENCE = Evidence(calendar="Family")


def put(store: Store, vault: Vault, number: str) -> None:
    answer = Confirmation(answer=Verdict.NO, checked_at=NOON, because="busy", evidence=(EVIDENCE,))
    Confirmations(store, vault).put(ProductKey(merchant="m", product="p"), {number: answer}, NOON)


def test_the_evidence_of_a_question_that_a_disconnection_overtakes_is_not_kept(store: Store) -> None:
    confirmations = Confirmations(store, ANY_KEY)
    Connections(store, ANY_KEY).save_grant("m", "refresh-1", {"openid"}, "m@x")
    put(store, ANY_KEY, "before")
    Disconnections(store, ANY_KEY).request("m", CalendarChoice.KEEP, NOON)
    put(store, ANY_KEY, "after")
    assert confirmations.get_evidence(["before"]) == (EVIDENCE,)
    assert confirmations.get_evidence(["after"]) == ()
