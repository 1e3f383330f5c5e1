from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError

from slotsync.domain.calendars.owner import ManagedCalendar, Owner, OwnerSettings
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store

TOUR, GUIDE = Owner.product("tour"), Owner.resource("guide")
SETTINGS = OwnerSettings(name="Tour")


@pytest.fixture
def connection_id(store: Store, connections: Connections) -> str:
    Owners(store).put("m", TOUR, SETTINGS)
    return connections.save_grant("m", "token", wanted_scopes(push=True), "merchant@example.com")


def test_an_owner_has_its_settings_connection_and_calendar(store: Store, connection_id: str) -> None:
    ManagedCalendars(store).record("m", TOUR, "c-1", connection_id)
    assert ManagedCalendars(store).get_calendars("m", [TOUR]) == [
        ManagedCalendar(owner=TOUR, settings=SETTINGS, connection_id=connection_id, calendar_id="c-1")
    ]


def test_owners_are_answered_in_the_order_asked_and_an_unknown_one_is_not_synchronized(
    store: Store, connection_id: str
) -> None:
    guide, tour = ManagedCalendars(store).get_calendars("m", [GUIDE, TOUR])
    assert guide == ManagedCalendar(owner=GUIDE, settings=OwnerSettings(name="guide", sync=False), known=False)
    assert tour == ManagedCalendar(owner=TOUR, settings=SETTINGS, connection_id=connection_id)
    assert ManagedCalendars(store).get_calendars("m", []) == []


def test_the_connection_is_not_offered_while_it_is_revoked(
    store: Store, connections: Connections, connection_id: str
) -> None:
    ManagedCalendars(store).record("m", TOUR, "c-1", connection_id)
    connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
    (tour,) = ManagedCalendars(store).get_calendars("m", [TOUR])
    assert (tour.connection_id, tour.calendar_id) == (None, "c-1")


def test_the_calendar_that_was_recorded_first_stays(store: Store, connection_id: str) -> None:
    calendars = ManagedCalendars(store)
    assert [calendars.record("m", TOUR, each, connection_id) for each in ("c-1", "c-2", "c-1")] == ["c-1"] * 3
    assert calendars.get_calendars("m", [TOUR])[0].calendar_id == "c-1"


def test_only_the_calendar_that_is_recorded_is_forgotten(store: Store, connection_id: str) -> None:
    calendars = ManagedCalendars(store)
    calendars.record("m", TOUR, "c-1", connection_id)
    calendars.forget("m", TOUR, "c-2")
    calendars.forget("other", TOUR, "c-1")
    assert calendars.get_calendars("m", [TOUR])[0].calendar_id == "c-1"
    calendars.forget("m", TOUR, "c-1")
    assert calendars.get_calendars("m", [TOUR])[0].calendar_id is None
    assert calendars.record("m", TOUR, "c-2", connection_id) == "c-2"


def test_sixteen_threads_that_record_at_once_agree_on_one_calendar(store: Store, connection_id: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda n: ManagedCalendars(store).record("m", TOUR, f"c-{n}", connection_id), range(64))
        assert {*answers} == {ManagedCalendars(store).get_calendars("m", [TOUR])[0].calendar_id}


def test_no_calendar_is_recorded_for_an_owner_or_a_connection_that_does_not_exist(
    store: Store, connection_id: str
) -> None:
    with pytest.raises(IntegrityError):
        ManagedCalendars(store).record("m", GUIDE, "c-1", connection_id)
    with pytest.raises(IntegrityError):
        ManagedCalendars(store).record("m", TOUR, "c-1", "nobody")


def test_calendars_of_other_owners_are_told_apart_of_any_merchant(store: Store, connections: Connections) -> None:
    calendars = ManagedCalendars(store)
    for merchant, owner, calendar in (("m", TOUR, "own"), ("m", GUIDE, "guide's"), ("n", TOUR, "neighbour's")):
        Owners(store).put(merchant, owner, SETTINGS)
        granted = connections.save_grant(merchant, "token", wanted_scopes(push=True), "merchant@example.com")
        calendars.record(merchant, owner, calendar, granted)
    asked = ["own", "guide's", "neighbour's", "unknown"]
    assert calendars.filter_others("m", TOUR, asked) == {"guide's", "neighbour's"}
