"""Marks of events beside properties of other programs: none of them makes us overwrite, lose or leave an event."""

from typing import cast

import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.events.event_write import NotWanted
from tests.support.adapter_harness import SPEC, AdapterHarness
from tests.support.first_format import in_first_format

FORMER_NAMES = ["merchant", "reservation", "item", "owner", "version", "fingerprint"]


def own_id(adapter: AdapterHarness, generation: int = 0) -> str:
    return event_id("arctic-kayaks", "R-1042", adapter.desired().key, generation)


def private_of(adapter: AdapterHarness, generation: int = 0) -> dict[str, str]:
    properties = cast("dict[str, dict[str, str]]", adapter.event(own_id(adapter, generation))["extendedProperties"])
    return properties["private"]


def set_property(adapter: AdapterHarness, **theirs: str) -> None:
    adapter.change_by_hand(own_id(adapter), extendedProperties={"private": theirs})


def other_calendar(adapter: AdapterHarness) -> str:
    return adapter.calendars.create("c-1", CalendarSpec(**{**dict(SPEC), "name": "Boat"}))


def put_before(adapter: AdapterHarness, theirs: dict[str, str], version: int = 1) -> WrittenEvent:
    """Write the event as slotsync did before its marks had names of their own; another program adds properties."""
    written = adapter.put(version)
    change = in_first_format(private_of(adapter), **theirs)
    adapter.change_by_hand(own_id(adapter), extendedProperties={"private": change})
    return written.model_copy(update={"first_format": True})


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_another_programs_property_survives_the_next_version(adapter: AdapterHarness, name: str) -> None:
    written = adapter.put()
    set_property(adapter, **{name: "20301231"})
    second = adapter.put(2, written, summary="Two persons")
    adapter.put(3, second, summary="Three persons")
    assert (adapter.titles(), private_of(adapter)[name]) == (["Three persons"], "20301231")


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_another_programs_property_hides_no_event_that_was_dragged_away(adapter: AdapterHarness, name: str) -> None:
    written, boat = adapter.put(), other_calendar(adapter)
    set_property(adapter, **{name: "20301231"})
    adapter.move_by_hand(own_id(adapter), boat)
    back = adapter.put(2, written, summary="Two persons")
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Two persons"], [])
    assert private_of(adapter, 1)[name] == "20301231"
    adapter.move_by_hand(own_id(adapter, 1), boat)
    adapter.delete(back, 3)
    assert (adapter.titles(), adapter.titles_in(boat)) == ([], [])


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_an_event_of_the_first_format_is_written_and_deleted_whatever_another_program_wrote_there(
    adapter: AdapterHarness, name: str
) -> None:
    written = put_before(adapter, {name: "20301231"})
    second = adapter.put(2, written, summary="Two persons")
    assert (adapter.titles(), second.version) == (["Two persons"], 2)
    put_before(adapter, {name: "20301231"}, version=3)
    assert not adapter.delete(second, 4).present
    assert adapter.titles() == []


@pytest.mark.parametrize("name", [each for each in FORMER_NAMES if each != "reservation"])
def test_an_event_of_the_first_format_that_was_dragged_away_is_found(adapter: AdapterHarness, name: str) -> None:
    written, boat = put_before(adapter, {name: "20301231"}), other_calendar(adapter)
    adapter.move_by_hand(own_id(adapter), boat)
    desired = adapter.desired(2, summary="Two persons").model_copy(update={"first_format": True})
    adapter.events.put_event(desired, written, adapter.managed)
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Two persons"], [])


def test_a_version_of_the_first_format_that_the_store_may_know_is_not_overwritten(adapter: AdapterHarness) -> None:
    written = put_before(adapter, {"version": "3"})
    with pytest.raises(NotWanted):
        adapter.events.put_event(adapter.desired(2, summary="Late"), written, adapter.managed, lambda: False)
    assert adapter.titles() == ["Sunset tour"]


def test_an_event_of_the_first_format_that_is_restored_beside_one_of_today_goes(adapter: AdapterHarness) -> None:
    adapter.behave(resurrect="allow")
    before = put_before(adapter, {})
    adapter.delete_by_hand(own_id(adapter))
    second = adapter.put(2, before).model_copy(update={"first_format": True})
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    assert len(adapter.titles()) == 2
    desired = adapter.desired(3, summary="Three persons").model_copy(update={"first_format": True})
    third = adapter.events.put_event(desired, second, adapter.managed)
    assert adapter.titles() == ["Three persons"]
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    adapter.delete(third, 4)
    assert adapter.titles() == []


def test_only_events_that_may_be_of_the_first_format_are_searched_for_twice(adapter: AdapterHarness) -> None:
    written, boat = adapter.put(), other_calendar(adapter)
    adapter.move_by_hand(own_id(adapter), boat)
    adapter.forget_calls()
    back = adapter.put(2, written)
    assert adapter.calls()["events.list"] == 2
    adapter.move_by_hand(own_id(adapter, 1), boat)
    adapter.forget_calls()
    adapter.delete(back.model_copy(update={"first_format": True}), 3)
    assert adapter.calls()["events.list"] == 4
