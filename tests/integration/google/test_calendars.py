"""Managed calendars: found by their mark, created once, and never lost or doubled."""

from contextlib import suppress

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.errors import CalendarMissing, GoogleError
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.requests import execute
from tests.support.adapter_harness import EMAIL, SCOPES, SHORT_TIMEOUT, SPEC, AdapterHarness
from tests.support.waiting import wait_until

OTHER = CalendarSpec(
    merchant="arctic-kayaks", owner=Owner.resource("sunset-tour"), name="Sunset tour", time_zone="Europe/Oslo"
)


def managed(adapter: AdapterHarness) -> list[str]:
    return [calendar_id for calendar_id, title in adapter.all_calendars().items() if title == "Sunset tour"]


def test_a_missing_calendar_is_created(empty_adapter: AdapterHarness) -> None:
    calendar_id = empty_adapter.calendars.ensure("c-1", SPEC)[0]
    assert managed(empty_adapter) == [calendar_id]
    calendar = empty_adapter.services.calendar("c-1").calendars.get(calendarId=calendar_id).execute()
    assert calendar["timeZone"] == "Europe/Oslo"
    assert SPEC.mark in calendar["description"].splitlines()


def test_an_existing_calendar_is_found_in_three_calls(adapter: AdapterHarness) -> None:
    assert adapter.calendars.ensure("c-1", SPEC)[0] == adapter.calendar_id
    assert adapter.calls() == {"calendarList.list": 1, "calendars.get": 1, "events.list": 1}


def test_a_calendar_is_found_under_any_name(adapter: AdapterHarness) -> None:
    adapter.controls.patch(
        f"/sandbox/accounts/{EMAIL}/calendars/{adapter.calendar_id}", json={"summary": "My tours"}
    ).raise_for_status()
    (found,) = adapter.calendars.find("c-1", SPEC)
    assert (found.id, found.summary, found.time_zone) == (adapter.calendar_id, "My tours", "Europe/Oslo")


def test_each_owner_has_a_calendar_of_its_own(adapter: AdapterHarness) -> None:
    assert OTHER.mark != SPEC.mark
    assert adapter.calendars.ensure("c-1", OTHER)[0] != adapter.calendar_id
    assert len(managed(adapter)) == 2


def test_the_mark_names_neither_merchant_nor_product() -> None:
    assert "kayak" not in SPEC.mark
    assert "sunset" not in SPEC.mark


def test_a_calendar_behind_many_others_is_found(adapter: AdapterHarness) -> None:
    for number in range(260):
        adapter.create_calendar_by_hand(summary=f"Calendar {number}")
    assert adapter.calendars.ensure("c-1", SPEC)[0] == adapter.calendar_id
    assert adapter.calls() == {"calendarList.list": 2, "calendars.get": 1, "events.list": 1}


def test_a_hidden_calendar_is_found(adapter: AdapterHarness) -> None:
    listed = adapter.services.calendar("c-1").calendar_list
    execute(listed.patch(calendarId=adapter.calendar_id, body={"hidden": True}))
    assert adapter.calendars.ensure("c-1", SPEC)[0] == adapter.calendar_id


def test_a_calendar_that_others_own_is_not_taken(empty_adapter: AdapterHarness) -> None:
    shared = empty_adapter.create_calendar_by_hand(summary="Sunset tour", description=SPEC.mark, accessRole="writer")
    assert empty_adapter.calendars.ensure("c-1", SPEC)[0] != shared


def test_what_another_account_shares_is_neither_taken_nor_deleted(adapter: AdapterHarness) -> None:
    planted = planted_by("thief@example.com", adapter)
    adapter.delete_calendar_by_hand()
    kept = adapter.calendars.ensure("c-1", SPEC)[0]
    assert managed(adapter) == [kept]
    assert adapter.calendars.remove_duplicates("c-1", SPEC, kept) == []
    assert adapter.services.calendar("c-1").calendars.get(calendarId=planted).execute()["id"] == planted


def test_an_own_calendar_with_a_copied_mark_that_slotsync_may_not_write_to_holds_up_nothing(
    empty_adapter: AdapterHarness,
) -> None:
    copied = empty_adapter.create_calendar_by_hand(summary="Festival", description=SPEC.mark)
    calendar_id, existed, _ = empty_adapter.calendars.ensure("c-1", SPEC)
    assert (existed, managed(empty_adapter)) == (False, [calendar_id])
    assert empty_adapter.calendars.remove_duplicates("c-1", SPEC, calendar_id) == []
    assert copied in empty_adapter.all_calendars()


def test_a_calendar_that_is_recorded_as_another_owners_is_not_taken_whatever_its_marks(adapter: AdapterHarness) -> None:
    calendar_id, existed, _ = adapter.calendars.ensure("c-1", SPEC, find_taken=lambda _: [adapter.calendar_id])
    assert not existed
    removed = adapter.calendars.remove_duplicates("c-1", SPEC, calendar_id, lambda _: [adapter.calendar_id])
    assert (removed, sorted(managed(adapter))) == ([], sorted([adapter.calendar_id, calendar_id]))


@pytest.mark.parametrize("kind", ["lost_response", "drop", "backendError", "rateLimitExceeded", "authError"])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("method", ["calendars.insert", "calendarList.list", "calendars.delete"])
def test_a_disturbed_creation_ends_in_one_calendar(
    empty_adapter: AdapterHarness, method: str, kind: str, count: int
) -> None:
    if method == "calendars.delete":
        empty_adapter.fault("calendars.insert", "lost_response", count=1)
    empty_adapter.fault(method, kind, count=count)
    calendar_id = ensured(empty_adapter)
    assert empty_adapter.faults_left(method) < count
    assert managed(empty_adapter) == [calendar_id]


def test_a_slow_search_or_deletion_does_not_double_a_calendar(empty_adapter: AdapterHarness) -> None:
    empty_adapter.fault("calendars.insert", "lost_response", count=1)
    for method in ("calendarList.list", "calendars.delete"):
        empty_adapter.fault(method, "slow", count=2, seconds=SHORT_TIMEOUT.total_seconds() * 2)
    calendar_id = ensured(empty_adapter)
    assert [empty_adapter.faults_left(method) for method in ("calendars.insert", "calendarList.list")] == [0, 0]
    assert empty_adapter.faults_left("calendars.delete") < 2
    assert managed(empty_adapter) == [calendar_id]


def test_a_slow_creation_that_google_carries_out_late_is_removed(empty_adapter: AdapterHarness) -> None:
    empty_adapter.fault("calendars.insert", "slow", count=1, seconds=SHORT_TIMEOUT.total_seconds() * 3)
    calendar_id = ensured(empty_adapter)
    wait_until(lambda: len(managed(empty_adapter)) == 2)
    removed = empty_adapter.calendars.remove_duplicates("c-1", SPEC, calendar_id)
    assert len(removed) == 1
    assert managed(empty_adapter) == [calendar_id]
    assert empty_adapter.calendars.remove_duplicates("c-1", SPEC, calendar_id) == []


def test_a_duplicate_with_events_is_not_removed(adapter: AdapterHarness) -> None:
    kept = adapter.calendar_id
    adapter.calendar_id = adapter.calendars.create("c-1", SPEC)
    adapter.put()
    assert adapter.calendars.remove_duplicates("c-1", SPEC, kept) == []
    assert len(managed(adapter)) == 2


def test_a_creation_that_the_http_library_sends_twice_leaves_one_calendar(empty_adapter: AdapterHarness) -> None:
    empty_adapter.fault("calendars.insert", "lost_response", count=1)
    calendar_id = empty_adapter.calendars.ensure("c-1", SPEC)[0]
    assert empty_adapter.calls()["calendars.insert"] == 2
    assert managed(empty_adapter) == [calendar_id]


@pytest.mark.parametrize("deleted", [False, True])
def test_of_several_duplicates_the_one_with_events_is_kept(adapter: AdapterHarness, deleted: bool) -> None:
    duplicates = [adapter.calendar_id, *(adapter.calendars.create("c-1", SPEC) for _ in range(3))]
    adapter.calendar_id = sorted(duplicates)[2]
    written = adapter.put()
    if deleted:
        adapter.delete(written, 2)
    assert adapter.calendars.ensure("c-1", SPEC)[0] == adapter.calendar_id
    assert managed(adapter) == [adapter.calendar_id]


def test_our_events_are_deleted_so_many_at_once_and_others_stay(adapter: AdapterHarness) -> None:
    for version in (1, 2):
        adapter.create_by_hand(adapter.desired(version), summary=f"a copy {version}")
    adapter.put()
    adapter.create_by_hand(adapter.desired(), summary="Mine", extendedProperties={})
    delete = adapter.calendars.delete_marked_events
    assert [delete("c-1", adapter.calendar_id, 2) for _ in range(2)] == [False, True]
    assert adapter.titles() == ["Mine"]


def test_nothing_is_said_of_the_events_of_a_calendar_out_of_reach(adapter: AdapterHarness) -> None:
    adapter.put()
    assert not adapter.calendars.has_foreign_events("c-1", adapter.calendar_id, SPEC.merchant)
    access = f"/sandbox/accounts/{EMAIL}/calendars/{adapter.calendar_id}/access"
    for role in ("reader", "freeBusyReader", "none"):
        adapter.controls.patch(access, json={"role": role}).raise_for_status()
        with pytest.raises(CalendarMissing):
            adapter.calendars.has_foreign_events("c-1", adapter.calendar_id, SPEC.merchant)


def test_two_duplicates_with_events_are_both_kept(adapter: AdapterHarness) -> None:
    duplicates = sorted([adapter.calendar_id, adapter.calendars.create("c-1", SPEC)])
    for adapter.calendar_id in duplicates:
        adapter.put()
    assert adapter.calendars.ensure("c-1", SPEC)[0] == duplicates[0]
    assert sorted(managed(adapter)) == duplicates


def test_a_calendar_exists_until_it_is_deleted(adapter: AdapterHarness) -> None:
    assert adapter.calendars.exists("c-1", adapter.calendar_id)
    adapter.delete_calendar_by_hand()
    assert not adapter.calendars.exists("c-1", adapter.calendar_id)


def test_a_calendar_deleted_by_hand_is_created_again(adapter: AdapterHarness) -> None:
    adapter.delete_calendar_by_hand()
    again = adapter.calendars.ensure("c-1", SPEC)[0]
    assert again != adapter.calendar_id
    assert managed(adapter) == [again]


def planted_by(email: str, adapter: AdapterHarness) -> str:
    """Share a calendar with the mark that slotsync made for another account, and return its id."""
    adapter.connect("thief", email, SCOPES)
    planted = adapter.calendars.create("thief", SPEC)
    rule = {"role": "owner", "scope": {"type": "user", "value": EMAIL}}
    adapter.controls.post(f"/sandbox/accounts/{email}/calendars/{planted}/acl", json=rule).raise_for_status()
    return planted


def ensured(adapter: AdapterHarness) -> str:
    for _ in range(20):
        with suppress(GoogleError):
            return adapter.calendars.ensure("c-1", SPEC)[0]
    return adapter.calendars.ensure("c-1", SPEC)[0]
