"""The list that a merchant picks from: all of it, fresh, and without what cannot block."""

import pytest

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.errors import GrantLost, ScopeMissing, Transient
from slotsync.google.calendar_list import GoogleCalendarList, pickable
from slotsync.google.service import ask
from tests.support.adapter_harness import AUTH, EMAIL, SCOPES, AdapterHarness

HOLIDAYS = "en.norwegian#holiday@group.v.calendar.google.com"


def offered(world: AdapterHarness, *managed: str, connection_id: str = "c-1") -> list[PickableCalendar]:
    return pickable(GoogleCalendarList(world.services).of(connection_id), managed)


def test_the_accounts_own_comes_first_and_the_others_by_name(empty_world: AdapterHarness) -> None:
    for name in ("zoo", "Boat", "aunt"):
        empty_world.create_calendar_by_hand(summary=name)
    own, *others = offered(empty_world)
    assert (own.id, own.primary) == (EMAIL, True)
    assert [(each.name, each.primary) for each in others] == [("aunt", False), ("Boat", False), ("zoo", False)]


def test_every_page_is_read(empty_world: AdapterHarness) -> None:
    made = {empty_world.create_calendar_by_hand(summary=f"Calendar {number}") for number in range(520)}
    assert {each.id for each in offered(empty_world)} == {EMAIL, *made}
    assert empty_world.calls()["calendarList.list"] == 3


def test_a_hidden_calendar_is_offered_and_a_removed_one_is_not(empty_world: AdapterHarness) -> None:
    hidden, removed = (empty_world.create_calendar_by_hand(summary=name) for name in ("Hidden", "Removed"))
    empty_world.connect("wide", EMAIL, [f"{AUTH}calendar"])
    listed = empty_world.services.calendar("wide").calendar_list
    ask(listed.patch(calendarId=hidden, body={"hidden": True}))
    listed.delete(calendarId=removed).execute()
    assert {each.id for each in offered(empty_world)} == {EMAIL, hidden}


def test_a_name_that_the_merchant_chose_counts(empty_world: AdapterHarness) -> None:
    renamed = empty_world.create_calendar_by_hand(summary="Team")
    empty_world.connect("wide", EMAIL, [f"{AUTH}calendar"])
    listed = empty_world.services.calendar("wide").calendar_list
    ask(listed.patch(calendarId=renamed, body={"summaryOverride": "My team"}))
    assert [each.name for each in offered(empty_world) if not each.primary] == ["My team"]


def test_ours_are_not_offered_whether_recorded_or_not(world: AdapterHarness) -> None:
    recorded = world.create_calendar_by_hand(summary="Lost its mark")
    world.create_calendar_by_hand(summary="Holidays", id=HOLIDAYS, accessRole="reader")
    assert world.calendar_id in {each["id"] for each in GoogleCalendarList(world.services).of("c-1")}
    assert [each.id for each in offered(world, recorded)] == [EMAIL]


def test_two_accounts_never_see_each_others(empty_world: AdapterHarness) -> None:
    empty_world.connect("c-2", "other@example.com", SCOPES)
    mine = empty_world.create_calendar_by_hand(summary="Mine")
    assert {each.id for each in offered(empty_world)} == {EMAIL, mine}
    assert {each.id for each in offered(empty_world, connection_id="c-2")} == {"other@example.com"}


def test_no_name_is_printed_by_accident(empty_world: AdapterHarness) -> None:
    empty_world.create_calendar_by_hand(summary="Divorce lawyer")
    assert "lawyer" not in f"{offered(empty_world)} {offered(empty_world)[1]}"


def test_without_its_scope_the_list_is_refused(empty_world: AdapterHarness) -> None:
    empty_world.connect("c-1", EMAIL, [f"{AUTH}calendar.app.created", f"{AUTH}calendar.events.freebusy"])
    with pytest.raises(ScopeMissing):
        offered(empty_world)


def test_a_dead_grant_is_told_as_such(empty_world: AdapterHarness) -> None:
    empty_world.revoke()
    with pytest.raises(GrantLost):
        offered(empty_world)


def test_a_list_that_breaks_off_is_not_taken_for_all(empty_world: AdapterHarness) -> None:
    for number in range(260):
        empty_world.create_calendar_by_hand(summary=f"Calendar {number}")
    empty_world.fault("calendarList.list", "backendError", probability=0.5, seed=1)
    found: list[PickableCalendar] = []
    while not found:
        try:
            found = offered(empty_world)
        except Transient:
            continue
    assert len(found) == 261
