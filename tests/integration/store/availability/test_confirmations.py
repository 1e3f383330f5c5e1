"""Confirmations in the store: evidence is kept of calendars that block the product, and goes with them."""

from datetime import UTC, datetime

import pytest

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store
from tests.support.stored_reservations import ANY_KEY

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR, SAUNA = Owner.product("tour"), Owner.product("sauna")
FAMILY, LAWYER = (PickableCalendar(id=name, name=name.title()) for name in ("family", "lawyer"))
EVIDENCE = (Evidence(calendar="Family"), Evidence(calendar="Lawyer"))


@pytest.fixture
def confirmations(store: Store) -> Confirmations:
    """Of a connected merchant with two products, each blocked by two calendars."""
    connect(store, "a")
    for owner in (TOUR, SAUNA):
        Owners(store).put("m", owner, OwnerSettings(name=owner.id))
        pick(store, FAMILY, LAWYER, owner=owner)
    return Confirmations(store, ANY_KEY)


def connect(store: Store, account: str) -> None:
    grant = NewGrant(account_email=f"{account}@x", account_key=account, scopes=frozenset(), refresh_token=account)
    Connections(store, ANY_KEY).save("m", grant)


def pick(store: Store, *calendars: PickableCalendar, owner: Owner = TOUR) -> None:
    BlockingCalendars(store, ANY_KEY).replace("m", owner, calendars)


def put(confirmations: Confirmations, name: str, owner: Owner = TOUR) -> None:
    answer = Confirmation(answer=Verdict.NO, checked_at=NOON, because="busy", evidence=EVIDENCE)
    confirmations.put(ProductKey(merchant="m", product=owner.id), {name: answer}, NOON)


def test_the_evidence_of_a_question_that_a_disconnection_overtakes_is_not_kept(
    store: Store, confirmations: Confirmations
) -> None:
    put(confirmations, "before")
    Disconnections(store, ANY_KEY).request("m", CalendarChoice.KEEP, NOON)
    put(confirmations, "after")
    assert confirmations.get_evidence(["before"]) == EVIDENCE
    assert confirmations.get_evidence(["after"]) == ()


def test_a_calendar_that_is_taken_off_leaves_no_evidence_of_that_product(
    store: Store, confirmations: Confirmations
) -> None:
    put(confirmations, "tour")
    put(confirmations, "sauna", SAUNA)
    pick(store, FAMILY)
    assert confirmations.get_evidence(["tour"]) == ()
    assert confirmations.get_evidence(["sauna"]) == EVIDENCE
    put(confirmations, "asked before")
    assert confirmations.get_evidence(["asked before"]) == EVIDENCE[:1]


def test_a_calendar_that_is_added_takes_no_evidence_away(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "tour")
    pick(store, FAMILY, LAWYER, PickableCalendar(id="work", name="Work"))
    assert confirmations.get_evidence(["tour"]) == EVIDENCE


def test_another_account_leaves_no_evidence_of_the_former_one(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "before")
    connect(store, "b")
    put(confirmations, "after")
    assert confirmations.get_evidence(["before"]) == confirmations.get_evidence(["after"]) == ()


def test_a_product_that_is_deleted_leaves_no_evidence(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "tour")
    put(confirmations, "sauna", SAUNA)
    assert Owners(store).delete("m", TOUR, remove_events=True)
    put(confirmations, "after")
    assert confirmations.get_evidence(["tour"]) == confirmations.get_evidence(["after"]) == ()
    assert confirmations.get_evidence(["sauna"]) == EVIDENCE
