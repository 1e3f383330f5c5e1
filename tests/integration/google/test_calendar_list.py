"""The calendar list on the settings page: complete, read live, without calendars that cannot block."""

import pytest

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.errors import GrantLost, ScopeMissing, Transient
from slotsync.google.calendar_list import GoogleCalendarList, select_pickable
from slotsync.google.requests import execute
from tests.support.adapter_harness import EMAIL, SCOPES, AdapterHarness
from tests.support.local_google import AUTH

HOLIDAYS = "en.norwegian#holiday@group.v.calendar.google.com"


def offered(adapter: AdapterHarness, *managed: str, connection_id: str = "c-1") -> list[PickableCalendar]:
    return select_pickable(GoogleCalendarList(adapter.services).list_entries(connection_id), managed)


def test_the_accounts_own_comes_first_and_the_others_by_name(empty_adapter: AdapterHarness) -> None:
    for name in ("zoo", "Boat", "aunt"):
        empty_adapter.create_calendar_by_hand(summary=name)
    own, *others = offered(empty_adapter)
    assert (own.id, own.primary) == (EMAIL, True)
    assert [(each.name, each.primary) for each in others] == [("aunt", False), ("Boat", False), ("zoo", False)]


def test_every_page_is_read(empty_adapter: AdapterHarness) -> None:
    made = {empty_adapter.create_calendar_by_hand(summary=f"Calendar {number}") for number in range(520)}
    assert {each.id for each in offered(empty_adapter)} == {EMAIL, *made}
    assert empty_adapter.calls()["calendarList.list"] == 3


def test_a_hidden_calendar_is_offered_and_a_removed_one_is_not(empty_adapter: AdapterHarness) -> None:
    hidden, removed = (empty_adapter.create_calendar_by_hand(summary=name) for name in ("Hidden", "Removed"))
    empty_adapter.connect("wide", EMAIL, [f"{AUTH}calendar"])
    listed = empty_adapter.services.calendar("wide").calendar_list
    execute(listed.patch(calendarId=hidden, body={"hidden": True}))
    listed.delete(calendarId=removed).execute()
    assert {each.id for each in offered(empty_adapter)} == {EMAIL, hidden}


def test_a_name_that_the_merchant_chose_counts(empty_adapter: AdapterHarness) -> None:
    renamed = empty_adapter.create_calendar_by_hand(summary="Team")
    empty_adapter.connect("wide", EMAIL, [f"{AUTH}calendar"])
    listed = empty_adapter.services.calendar("wide").calendar_list
    execute(listed.patch(calendarId=renamed, body={"summaryOverride": "My team"}))
    assert [each.name for each in offered(empty_adapter) if not each.primary] == ["My team"]


def test_managed_calendars_are_not_offered_recorded_or_not(adapter: AdapterHarness) -> None:
    recorded = adapter.create_calendar_by_hand(summary="Lost its mark")
    adapter.create_calendar_by_hand(summary="Holidays", id=HOLIDAYS, accessRole="reader")
    assert adapter.calendar_id in {each["id"] for each in GoogleCalendarList(adapter.services).list_entries("c-1")}
    assert [each.id for each in offered(adapter, recorded)] == [EMAIL]


def test_two_accounts_never_see_each_others(empty_adapter: AdapterHarness) -> None:
    empty_adapter.connect("c-2", "other@example.com", SCOPES)
    mine = empty_adapter.create_calendar_by_hand(summary="Mine")
    assert {each.id for each in offered(empty_adapter)} == {EMAIL, mine}
    assert {each.id for each in offered(empty_adapter, connection_id="c-2")} == {"other@example.com"}


def test_no_name_is_printed_by_accident(empty_adapter: AdapterHarness) -> None:
    empty_adapter.create_calendar_by_hand(summary="Divorce lawyer")
    calendars = offered(empty_adapter)
    assert "Divorce lawyer" in [each.name for each in calendars]
    assert "lawyer" not in f"{calendars} {calendars[0]} {calendars[1]}"


def test_without_its_scope_the_list_is_refused(empty_adapter: AdapterHarness) -> None:
    empty_adapter.connect("c-1", EMAIL, [f"{AUTH}calendar.app.created", f"{AUTH}calendar.events.freebusy"])
    with pytest.raises(ScopeMissing):
        offered(empty_adapter)


def test_a_revoked_grant_is_reported_as_lost(empty_adapter: AdapterHarness) -> None:
    empty_adapter.revoke()
    with pytest.raises(GrantLost):
        offered(empty_adapter)


def test_an_interrupted_list_is_not_taken_for_complete(empty_adapter: AdapterHarness) -> None:
    for number in range(260):
        empty_adapter.create_calendar_by_hand(summary=f"Calendar {number}")
    empty_adapter.fault("calendarList.list", "backendError", probability=0.5, seed=1)
    found: list[PickableCalendar] = []
    while not found:
        try:
            found = offered(empty_adapter)
        except Transient:
            continue
    assert len(found) == 261
