from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import GrantLost
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR, GUIDE = Owner.product("tour"), Owner.resource("guide")
FAMILY = PickableCalendar(id="family", name="Aino's family")
DOCTOR = PickableCalendar(id="doctor", name="doctor Virtanen")
BOTH = [FAMILY, DOCTOR]


@pytest.fixture
def picked(store: Store, vault: Vault) -> BlockingCalendars:
    for merchant in ("m", "other"):
        for owner in (TOUR, GUIDE):
            Owners(store).put(merchant, owner, OwnerSettings(name=owner.id))
    return BlockingCalendars(store, vault)


def connect(connections: Connections, merchant: str, account: str) -> str:
    grant = NewGrant(account_email=f"{account}@x", account_key=account, scopes=frozenset(), refresh_token="r")
    return connections.save(merchant, grant)


def rows(store: Store) -> list[str]:
    with store.read() as session:
        return [str(row) for row in session.connection().execute(text("SELECT * FROM blocking_calendar"))]


def test_what_was_picked_comes_back_by_name(picked: BlockingCalendars) -> None:
    picked.replace("m", TOUR, [DOCTOR, FAMILY])
    assert picked.get_calendars("m", TOUR) == [FAMILY, DOCTOR]


def test_products_resources_and_merchants_are_kept_apart(picked: BlockingCalendars) -> None:
    picked.replace("m", TOUR, [FAMILY])
    picked.replace("m", GUIDE, [DOCTOR])
    assert (picked.get_calendars("m", TOUR), picked.get_calendars("m", GUIDE), picked.get_calendars("other", TOUR)) == (
        [FAMILY],
        [DOCTOR],
        [],
    )


def test_neither_ids_nor_names_rest_in_plain(store: Store, picked: BlockingCalendars) -> None:
    picked.replace("m", TOUR, [PickableCalendar(id="aino@gmail.example", name="Aino's family"), DOCTOR])
    assert len(rows(store)) == 2
    assert not [secret for secret in ("aino@", "Aino", "doctor", "Virtanen") if secret in str(rows(store))]


def test_what_is_no_longer_picked_is_forgotten_with_its_name(store: Store, picked: BlockingCalendars) -> None:
    picked.replace("m", TOUR, BOTH)
    picked.replace("m", TOUR, [DOCTOR])
    assert picked.get_calendars("m", TOUR) == [DOCTOR]
    assert len(rows(store)) == 1
    picked.replace("m", TOUR, [])
    assert rows(store) == []


def test_a_disconnection_forgets_what_its_merchant_picked(
    store: Store, vault: Vault, connections: Connections, picked: BlockingCalendars
) -> None:
    for merchant in ("m", "other"):
        connect(connections, merchant, merchant)
        picked.replace(merchant, TOUR, BOTH)
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    disconnection = disconnections.get("m")
    assert disconnection
    assert disconnection.blocked == (TOUR,)
    disconnections.finish(disconnection.connection_id, CalendarChoice.KEEP)
    assert (picked.get_calendars("m", TOUR), picked.get_calendars("other", TOUR)) == ([], BOTH)


def test_a_merchant_who_connects_again_during_a_disconnection_keeps_picked_calendars(
    store: Store, vault: Vault, connections: Connections, picked: BlockingCalendars
) -> None:
    connect(connections, "m", "account")
    picked.replace("m", TOUR, BOTH)
    disconnections = Disconnections(store, vault)
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    disconnection = disconnections.get("m")
    assert disconnection
    connect(connections, "m", "account")
    disconnections.finish(disconnection.connection_id, CalendarChoice.KEEP)
    assert picked.get_calendars("m", TOUR) == BOTH


@pytest.mark.parametrize(("account", "left"), [("account", BOTH), ("another", [])])
def test_calendars_of_an_account_are_forgotten_with_it(
    connections: Connections, picked: BlockingCalendars, account: str, left: list[PickableCalendar]
) -> None:
    connect(connections, "m", "account")
    picked.replace("m", TOUR, BOTH)
    connect(connections, "m", account)
    assert picked.get_calendars("m", TOUR) == left


def test_nothing_is_picked_for_a_product_that_is_not_known(picked: BlockingCalendars) -> None:
    with pytest.raises(IntegrityError):
        picked.replace("m", Owner.product("unknown"), BOTH)


def test_eight_threads_that_pick_at_once_leave_the_choice_of_one(store: Store, picked: BlockingCalendars) -> None:
    choices = [[FAMILY], BOTH] * 20
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(picked.replace, "m", TOUR, choice) for choice in choices]:
            done.result()
    assert picked.get_calendars("m", TOUR) in ([FAMILY], BOTH)


@pytest.mark.parametrize("meanwhile", ["another account", "disconnection"])
def test_what_a_former_grant_has_listed_is_not_picked_under_another_one_or_none(
    store: Store, vault: Vault, picked: BlockingCalendars, connections: Connections, meanwhile: str
) -> None:
    connect(connections, "m", "a")
    picked.replace("m", TOUR, [FAMILY], connections.get_grant_number("m"))
    listed_with = connections.get_grant_number("m")
    if meanwhile == "another account":
        connect(connections, "m", "b")
    else:
        disconnections, connection_id = Disconnections(store, vault), connections.get_id("m")
        assert connection_id
        disconnections.request("m", CalendarChoice.KEEP, NOON)
        disconnections.finish(connection_id, CalendarChoice.KEEP)
    with pytest.raises(GrantLost):
        picked.replace("m", TOUR, [DOCTOR], listed_with)
    assert picked.get_calendars("m", TOUR) == []
