"""Managed calendars: found by their mark, created once, and never lost or doubled."""

from contextlib import suppress

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.errors import GoogleError
from slotsync.google.calendars import CalendarSpec
from slotsync.google.service import ask
from tests.support.adapter_harness import EMAIL, IMPATIENT_TIMEOUT, SPEC, AdapterHarness
from tests.support.waiting import poll_until

OTHER = CalendarSpec(
    merchant="arctic-kayaks", owner=Owner.resource("sunset-tour"), name="Sunset tour", time_zone="Europe/Oslo"
)


def managed(world: AdapterHarness) -> list[str]:
    return [calendar_id for calendar_id, title in world.all_calendars().items() if title == "Sunset tour"]


def test_a_missing_calendar_is_created(empty_world: AdapterHarness) -> None:
    calendar_id = empty_world.calendars.ensure("c-1", SPEC)
    assert managed(empty_world) == [calendar_id]
    calendar = empty_world.services.calendar("c-1").calendars.get(calendarId=calendar_id).execute()
    assert calendar["timeZone"] == "Europe/Oslo"
    assert SPEC.mark in calendar["description"].splitlines()


def test_an_existing_calendar_is_found_in_one_call(world: AdapterHarness) -> None:
    assert world.calendars.ensure("c-1", SPEC) == world.calendar_id
    assert world.calls() == {"calendarList.list": 1}


def test_a_calendar_is_found_under_whatever_name(world: AdapterHarness) -> None:
    world.controls.patch(
        f"/sandbox/accounts/{EMAIL}/calendars/{world.calendar_id}", json={"summary": "My tours"}
    ).raise_for_status()
    (found,) = world.calendars.find("c-1", SPEC.mark)
    assert (found.id, found.summary, found.time_zone) == (world.calendar_id, "My tours", "Europe/Oslo")


def test_each_owner_has_a_calendar_of_its_own(world: AdapterHarness) -> None:
    assert OTHER.mark != SPEC.mark
    assert world.calendars.ensure("c-1", OTHER) != world.calendar_id
    assert len(managed(world)) == 2


def test_the_mark_names_nobody() -> None:
    assert "kayak" not in SPEC.mark
    assert "sunset" not in SPEC.mark


def test_a_calendar_behind_many_others_is_found(world: AdapterHarness) -> None:
    for number in range(260):
        world.create_calendar_by_hand(summary=f"Calendar {number}")
    assert world.calendars.ensure("c-1", SPEC) == world.calendar_id
    assert world.calls() == {"calendarList.list": 2}


def test_a_hidden_calendar_is_found(world: AdapterHarness) -> None:
    listed = world.services.calendar("c-1").calendar_list
    ask(listed.patch(calendarId=world.calendar_id, body={"hidden": True}))
    assert world.calendars.ensure("c-1", SPEC) == world.calendar_id


def test_a_calendar_that_others_own_is_not_taken(empty_world: AdapterHarness) -> None:
    shared = empty_world.create_calendar_by_hand(summary="Sunset tour", description=SPEC.mark, accessRole="writer")
    assert empty_world.calendars.ensure("c-1", SPEC) != shared


@pytest.mark.parametrize("kind", ["lost_response", "drop", "backendError", "rateLimitExceeded", "authError"])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("method", ["calendars.insert", "calendarList.list", "calendars.delete"])
def test_a_disturbed_creation_ends_in_one_calendar(
    empty_world: AdapterHarness, method: str, kind: str, count: int
) -> None:
    if method == "calendars.delete":
        empty_world.fault("calendars.insert", "lost_response", count=1)
    empty_world.fault(method, kind, count=count)
    calendar_id = ensured(empty_world)
    assert managed(empty_world) == [calendar_id]


def test_a_slow_look_or_deletion_does_not_double_a_calendar(empty_world: AdapterHarness) -> None:
    empty_world.fault("calendars.insert", "lost_response", count=1)
    for method in ("calendarList.list", "calendars.delete"):
        empty_world.fault(method, "slow", count=2, seconds=IMPATIENT_TIMEOUT.total_seconds() * 2)
    calendar_id = ensured(empty_world)
    assert managed(empty_world) == [calendar_id]


def test_a_slow_creation_that_google_carries_out_late_is_removed(empty_world: AdapterHarness) -> None:
    empty_world.fault("calendars.insert", "slow", count=1, seconds=IMPATIENT_TIMEOUT.total_seconds() * 3)
    calendar_id = ensured(empty_world)
    poll_until(lambda: len(managed(empty_world)) == 2)
    removed = empty_world.calendars.remove_duplicates("c-1", SPEC, calendar_id)
    assert len(removed) == 1
    assert managed(empty_world) == [calendar_id]
    assert empty_world.calendars.remove_duplicates("c-1", SPEC, calendar_id) == []


def test_a_twin_that_was_used_is_not_removed(world: AdapterHarness) -> None:
    kept = world.calendar_id
    world.calendar_id = world.calendars.create("c-1", SPEC)
    world.put()
    assert world.calendars.remove_duplicates("c-1", SPEC, kept) == []
    assert len(managed(world)) == 2


def test_a_creation_that_the_http_library_sends_twice_leaves_one_calendar(empty_world: AdapterHarness) -> None:
    empty_world.fault("calendars.insert", "lost_response", count=1)
    calendar_id = empty_world.calendars.ensure("c-1", SPEC)
    assert empty_world.calls()["calendars.insert"] == 2
    assert managed(empty_world) == [calendar_id]


@pytest.mark.parametrize("deleted", [False, True])
def test_of_two_twins_the_used_one_is_kept(world: AdapterHarness, deleted: bool) -> None:
    twins = [world.calendar_id, *(world.calendars.create("c-1", SPEC) for _ in range(3))]
    world.calendar_id = sorted(twins)[2]
    written = world.put()
    if deleted:
        world.delete(written, 2)
    assert world.calendars.ensure("c-1", SPEC) == world.calendar_id
    assert managed(world) == [world.calendar_id]


def test_twins_that_were_both_used_are_both_kept(world: AdapterHarness) -> None:
    twins = sorted([world.calendar_id, world.calendars.create("c-1", SPEC)])
    for world.calendar_id in twins:
        world.put()
    assert world.calendars.ensure("c-1", SPEC) == twins[0]
    assert sorted(managed(world)) == twins


def test_a_calendar_exists_until_it_is_deleted(world: AdapterHarness) -> None:
    assert world.calendars.exists("c-1", world.calendar_id)
    world.delete_calendar_by_hand()
    assert not world.calendars.exists("c-1", world.calendar_id)


def test_a_calendar_deleted_by_hand_is_created_anew(world: AdapterHarness) -> None:
    world.delete_calendar_by_hand()
    again = world.calendars.ensure("c-1", SPEC)
    assert again != world.calendar_id
    assert managed(world) == [again]


def ensured(world: AdapterHarness) -> str:
    for _ in range(20):
        with suppress(GoogleError):
            return world.calendars.ensure("c-1", SPEC)
    return world.calendars.ensure("c-1", SPEC)
