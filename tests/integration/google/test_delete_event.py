"""Deleting an event: one call when all is well, and nothing newer is ever deleted."""

import httpx
import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from slotsync.errors import CalendarMissing
from tests.support.adapter_harness import AdapterHarness


def unknown_outcome(adapter: AdapterHarness) -> WrittenEvent:
    """Return the record of a creation with an unknown outcome."""
    desired = adapter.desired()
    return WrittenEvent(
        key=desired.key,
        calendar_id=desired.calendar_id,
        connection_id=desired.connection_id,
        generation=0,
        version=1,
        fingerprint="",
        etag="",
    )


def first_id(adapter: AdapterHarness) -> str:
    return event_id("arctic-kayaks", "R-1042", adapter.desired().key)


def test_a_deletion_takes_one_call(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.forget_calls()
    gone = adapter.delete(written, 2)
    assert adapter.calls() == {"events.delete": 1}
    assert gone == written.model_copy(update={"present": False, "version": 2})
    assert adapter.titles() == []


def test_a_repeated_deletion_is_no_error(adapter: AdapterHarness) -> None:
    written = adapter.put()
    gone = adapter.delete(written, 2)
    assert adapter.delete(written, 2) == gone


def test_an_event_changed_by_hand_is_deleted(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.change_by_hand(first_id(adapter), summary="Mine now")
    adapter.forget_calls()
    assert not adapter.delete(written, 2).present
    assert adapter.calls() == {"events.delete": 2, "events.get": 1}
    assert adapter.titles() == []


def test_an_event_deleted_by_hand_is_gone(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.delete_by_hand(first_id(adapter))
    assert not adapter.delete(written, 2).present


def test_an_own_change_that_was_not_recorded_is_deleted_too(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.put(2, written, summary="Two persons")
    assert not adapter.delete(written, 3).present
    assert adapter.titles() == []


def test_a_late_deletion_leaves_a_newer_event(adapter: AdapterHarness) -> None:
    written = adapter.put()
    newer = adapter.put(3, written, summary="Three persons")
    assert adapter.delete(written, 2) == newer
    assert adapter.titles() == ["Three persons"]


def test_the_calendar_of_an_event_that_google_does_not_find_is_told(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.delete_calendar_by_hand()
    for known in (written, unknown_outcome(adapter)):
        with pytest.raises(CalendarMissing):
            adapter.delete(known, 2)


def test_a_creation_with_an_unknown_outcome_is_searched_for(adapter: AdapterHarness) -> None:
    adapter.put()
    assert not adapter.delete(unknown_outcome(adapter), 2).present
    assert adapter.titles() == []


def test_every_generation_of_an_event_with_an_unknown_outcome_is_found(adapter: AdapterHarness) -> None:
    first = adapter.put()
    adapter.delete_by_hand(first_id(adapter))
    adapter.put(1, first)
    assert not adapter.delete(unknown_outcome(adapter), 2).present
    assert adapter.titles() == []


def test_a_creation_that_never_happened_can_never_happen_after_its_deletion(adapter: AdapterHarness) -> None:
    unknown = unknown_outcome(adapter)
    assert not adapter.delete(unknown, 2).present
    assert adapter.calls() == {"events.list": 1, "events.insert": 1, "events.delete": 1}
    late = event_id(adapter.desired().merchant, adapter.desired().reservation, unknown.key)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        adapter.create_by_hand(adapter.desired(), id=late)
    assert adapter.titles() == []


def test_a_late_deletion_with_an_unknown_outcome_leaves_a_newer_event(adapter: AdapterHarness) -> None:
    adapter.put(3)
    adapter.delete(unknown_outcome(adapter), 2)
    assert adapter.titles() == ["Sunset tour"]


def test_the_search_leaves_copies_and_other_items(adapter: AdapterHarness) -> None:
    adapter.put()
    other = adapter.desired().model_copy(update={"key": adapter.desired().key.model_copy(update={"item": "2"})})
    adapter.events.put_event(other, None)
    adapter.create_by_hand(adapter.desired(), id="aaaaag0")
    adapter.delete(unknown_outcome(adapter), 2)
    assert adapter.calls()["events.delete"] == 1
    assert {each for each, _ in adapter.shown()} == {"aaaaag0", event_id("arctic-kayaks", "R-1042", other.key)}


def test_the_search_goes_through_all_pages(adapter: AdapterHarness) -> None:
    for _ in range(260):
        adapter.create_by_hand(adapter.desired())
    adapter.put()
    adapter.delete(unknown_outcome(adapter), 2)
    assert adapter.calls()["events.list"] == 2
    assert len(adapter.shown()) == 260
    assert first_id(adapter) not in {each for each, _ in adapter.shown()}


def test_a_foreign_event_under_our_id_is_not_deleted(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.change_by_hand(first_id(adapter), extendedProperties={"private": {"slotsyncReservation": "R-9"}})
    assert not adapter.delete(written, 2).present
    assert adapter.titles() == ["Sunset tour"]


@pytest.mark.parametrize("resurrect", ["allow", "ignore", "refuse"])
def test_a_deletion_after_a_deletion_by_hand_leaves_nothing(adapter: AdapterHarness, resurrect: str) -> None:
    adapter.behave(resurrect=resurrect, deleted_get="not_found")
    written = adapter.put()
    adapter.delete_by_hand(first_id(adapter))
    assert not adapter.delete(written, 2).present
    assert adapter.titles() == []


def test_ids_that_google_calls_taken_whatever_they_are_cost_few_calls(adapter: AdapterHarness) -> None:
    adapter.fault("events.insert", "duplicate", probability=1)
    adapter.forget_calls()
    assert not adapter.delete(unknown_outcome(adapter), 2).present
    assert sum(adapter.calls().values()) < 10
