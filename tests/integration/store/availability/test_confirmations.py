"""Confirmations in the store: answers and evidence are kept of calendars that block the product, and go with them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import Erased
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store
from slotsync.store.erasures import Erasures
from tests.support.stored_reservations import ANY_KEY
from tests.support.stored_secrets import decrypted_values

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR, SAUNA = Owner.product("tour"), Owner.product("sauna")
FAMILY, LAWYER = (PickableCalendar(id=name, name=name.title()) for name in ("family", "lawyer"))
ASKED = Interval(start=NOON, end=NOON + timedelta(hours=1))
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
    key = ProductKey(merchant="m", product=owner.id)
    confirmations.put_questions(key, {name: ASKED}, NOON)
    confirmations.put(key, {name: answer}, NOON)


def evidence(confirmations: Confirmations, name: str) -> tuple[Evidence, ...]:
    return confirmations.get_answers([name])[name].evidence


def test_the_evidence_of_a_question_that_a_disconnection_overtakes_is_not_kept(
    store: Store, confirmations: Confirmations
) -> None:
    put(confirmations, "before")
    Disconnections(store, ANY_KEY).request("m", CalendarChoice.KEEP, NOON)
    put(confirmations, "after")
    assert evidence(confirmations, "before") == EVIDENCE
    assert evidence(confirmations, "after") == ()


def test_a_calendar_that_is_taken_off_leaves_no_evidence_of_that_product(
    store: Store, confirmations: Confirmations
) -> None:
    put(confirmations, "tour")
    put(confirmations, "sauna", SAUNA)
    pick(store, FAMILY)
    assert evidence(confirmations, "tour") == ()
    assert evidence(confirmations, "sauna") == EVIDENCE
    put(confirmations, "asked before")
    assert evidence(confirmations, "asked before") == EVIDENCE[:1]


def test_a_calendar_that_is_added_takes_no_evidence_away(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "tour")
    pick(store, FAMILY, LAWYER, PickableCalendar(id="work", name="Work"))
    assert evidence(confirmations, "tour") == EVIDENCE


def test_another_account_leaves_no_evidence_of_the_former_one(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "before")
    connect(store, "b")
    put(confirmations, "after")
    assert evidence(confirmations, "before") == evidence(confirmations, "after") == ()


def test_a_product_that_is_deleted_leaves_no_evidence(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "tour")
    put(confirmations, "sauna", SAUNA)
    assert Owners(store).delete("m", TOUR, remove_events=True)
    put(confirmations, "after")
    assert evidence(confirmations, "tour") == evidence(confirmations, "after") == ()
    assert evidence(confirmations, "sauna") == EVIDENCE


def test_no_question_and_no_answer_is_readable_without_the_key(store: Store, confirmations: Confirmations) -> None:
    put(confirmations, "tour")
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT * FROM confirmation")).mappings()
    assert row["answer"] == ""
    assert "2026-11-22T13" not in str(row)
    assert confirmations.get_questions(["tour"]) == {"tour": ASKED}
    answer = confirmations.get_answers(["tour"])["tour"]
    assert (answer.answer, answer.because, answer.checked_at) == (Verdict.NO, "busy", NOON)


def test_a_question_has_no_answer_before_google_gave_one(confirmations: Confirmations) -> None:
    confirmations.put_questions(ProductKey(merchant="m", product="tour"), {"asked": ASKED}, NOON)
    assert confirmations.get_answers(["asked"]) == {}


@pytest.mark.parametrize("answered", ["before", "after"])
def test_an_answer_that_another_account_overtakes_is_unknown_and_its_question_is_forgotten(
    store: Store, confirmations: Confirmations, answered: str
) -> None:
    key = ProductKey(merchant="m", product="tour")
    answer = Confirmation(answer=Verdict.NO, checked_at=NOON, because="busy", evidence=EVIDENCE)
    confirmations.put_questions(key, {"q": ASKED}, NOON)
    if answered == "after":
        connect(store, "b")
    confirmations.put(key, {"q": answer}, NOON)
    if answered == "before":
        connect(store, "b")
    found = confirmations.get_answers(["q"])["q"]
    assert (found.answer, found.evidence, confirmations.get_questions(["q"])) == (Verdict.UNKNOWN, (), {})


def test_a_former_process_finds_the_evidence_as_it_was_written_for_it(
    store: Store, confirmations: Confirmations
) -> None:
    answer = Confirmation(answer=Verdict.NO, checked_at=NOON, because="busy", evidence=EVIDENCE)
    confirmations.put_evidence(ProductKey(merchant="m", product="tour"), {"former": answer}, NOON)
    (text_of_it,) = decrypted_values(store, ANY_KEY, "confirmation.evidence").values()
    assert json.loads(text_of_it) == {"evidence": [{"calendar": "Family"}, {"calendar": "Lawyer"}]}


def test_nothing_is_asked_about_a_merchant_who_is_being_erased(store: Store, confirmations: Confirmations) -> None:
    Erasures(store).begin("m", None, NOON)
    with pytest.raises(Erased):
        confirmations.put_questions(ProductKey(merchant="m", product="tour"), {"late": ASKED}, NOON)
    assert confirmations.get_questions(["late"]) == {}
