"""Deleting an event: one call when all is well, and nothing newer is ever deleted."""

import httpx
import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from tests.support.adapter_harness import AdapterHarness


def unknown_outcome(world: AdapterHarness) -> WrittenEvent:
    """As remembered of a creation that nobody saw the end of."""
    desired = world.desired()
    return WrittenEvent(
        key=desired.key,
        calendar_id=desired.calendar_id,
        connection_id=desired.connection_id,
        generation=0,
        version=1,
        fingerprint="",
        etag="",
    )


def first_id(world: AdapterHarness) -> str:
    return event_id("arctic-kayaks", "R-1042", world.desired().key)


def test_a_deletion_takes_one_call(world: AdapterHarness) -> None:
    written = world.put()
    world.forget_calls()
    gone = world.delete(written, 2)
    assert world.calls() == {"events.delete": 1}
    assert gone == written.model_copy(update={"present": False, "version": 2})
    assert world.titles() == []


def test_a_repeated_deletion_is_fine(world: AdapterHarness) -> None:
    written = world.put()
    gone = world.delete(written, 2)
    assert world.delete(written, 2) == gone


def test_an_event_changed_by_hand_is_deleted(world: AdapterHarness) -> None:
    written = world.put()
    world.change_by_hand(first_id(world), summary="Mine now")
    world.forget_calls()
    assert not world.delete(written, 2).present
    assert world.calls() == {"events.delete": 2, "events.get": 1}
    assert world.titles() == []


def test_an_event_deleted_by_hand_is_gone(world: AdapterHarness) -> None:
    written = world.put()
    world.delete_by_hand(first_id(world))
    assert not world.delete(written, 2).present


def test_an_own_change_that_nobody_remembers_is_deleted_too(world: AdapterHarness) -> None:
    written = world.put()
    world.put(2, written, summary="Two persons")
    assert not world.delete(written, 3).present
    assert world.titles() == []


def test_a_late_deletion_leaves_a_newer_event(world: AdapterHarness) -> None:
    written = world.put()
    newer = world.put(3, written, summary="Three persons")
    assert world.delete(written, 2) == newer
    assert world.titles() == ["Three persons"]


def test_an_event_of_a_deleted_calendar_is_gone(world: AdapterHarness) -> None:
    written = world.put()
    world.delete_calendar_by_hand()
    assert not world.delete(written, 2).present
    assert not world.delete(unknown_outcome(world), 2).present


def test_a_creation_with_an_unknown_outcome_is_searched_for(world: AdapterHarness) -> None:
    world.put()
    assert not world.delete(unknown_outcome(world), 2).present
    assert world.titles() == []


def test_every_life_of_an_event_with_an_unknown_outcome_is_found(world: AdapterHarness) -> None:
    first = world.put()
    world.delete_by_hand(first_id(world))
    world.put(1, first)
    assert not world.delete(unknown_outcome(world), 2).present
    assert world.titles() == []


def test_a_creation_that_never_happened_can_never_happen_after_its_deletion(world: AdapterHarness) -> None:
    unknown = unknown_outcome(world)
    assert not world.delete(unknown, 2).present
    assert world.calls() == {"events.list": 1, "events.insert": 1, "events.delete": 1}
    late = event_id(world.desired().merchant, world.desired().reservation, unknown.key)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        world.create_by_hand(world.desired(), id=late)
    assert world.titles() == []


def test_a_late_deletion_with_an_unknown_outcome_leaves_a_newer_event(world: AdapterHarness) -> None:
    world.put(3)
    world.delete(unknown_outcome(world), 2)
    assert world.titles() == ["Sunset tour"]


def test_the_search_leaves_copies_and_other_items(world: AdapterHarness) -> None:
    world.put()
    other = world.desired().model_copy(update={"key": world.desired().key.model_copy(update={"item": "2"})})
    world.events.put_event(other, None)
    world.create_by_hand(world.desired(), id="aaaaag0")
    world.delete(unknown_outcome(world), 2)
    assert world.calls()["events.delete"] == 1
    assert {each for each, _ in world.shown()} == {"aaaaag0", event_id("arctic-kayaks", "R-1042", other.key)}


def test_the_search_goes_through_all_pages(world: AdapterHarness) -> None:
    for _ in range(260):
        world.create_by_hand(world.desired())
    world.put()
    world.delete(unknown_outcome(world), 2)
    assert world.calls()["events.list"] == 2
    assert first_id(world) not in {each for each, _ in world.shown()}


def test_a_strangers_event_under_our_id_is_not_deleted(world: AdapterHarness) -> None:
    written = world.put()
    world.change_by_hand(first_id(world), extendedProperties={"private": {"reservation": "R-9"}})
    assert not world.delete(written, 2).present
    assert world.titles() == ["Sunset tour"]


@pytest.mark.parametrize("resurrect", ["allow", "ignore", "refuse"])
def test_a_deletion_after_a_deletion_by_hand_leaves_nothing(world: AdapterHarness, resurrect: str) -> None:
    world.behave(resurrect=resurrect, deleted_get="not_found")
    written = world.put()
    world.delete_by_hand(first_id(world))
    assert not world.delete(written, 2).present
    assert world.titles() == []
