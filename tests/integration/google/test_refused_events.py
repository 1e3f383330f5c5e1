"""What Google goes on to refuse costs few calls, and is never told as done while it is not."""

import itertools

import pytest

from slotsync.domain.reservations.event import EventKey
from slotsync.errors import Refused
from tests.integration.google.test_delete_event import first_id, unknown_outcome
from tests.support.adapter_harness import SPEC, AdapterHarness

GONE = ("forbidden", "notFound", "deleted")


@pytest.mark.parametrize(("update", "get"), [*itertools.product(GONE, GONE)])
def test_an_event_that_google_neither_changes_nor_shows_but_lists_ends_after_few_calls(
    adapter: AdapterHarness, update: str, get: str
) -> None:
    written = adapter.put()
    adapter.fault("events.update", update, probability=1)
    adapter.fault("events.get", get, probability=1)
    adapter.forget_calls()
    with pytest.raises(Refused) as caught:
        adapter.put(2, written, summary="Two persons")
    assert caught.value.reason == update
    assert sum(adapter.calls().values()) < 10
    adapter.heal()
    adapter.put(2, written, summary="Two persons")
    assert adapter.titles() == ["Two persons"]


def test_however_often_an_event_was_deleted_by_hand_and_is_not_remembered_it_comes_back_with_few_calls(
    adapter: AdapterHarness,
) -> None:
    written = None
    for _ in range(12):
        written = adapter.put(1, written)
        adapter.delete_by_hand(adapter.shown()[0][0])
    adapter.forget_calls()
    adapter.put()
    assert adapter.titles() == ["Sunset tour"]
    assert sum(adapter.calls().values()) < 12
    adapter.delete_by_hand(adapter.shown()[0][0])
    adapter.forget_calls()
    adapter.delete(unknown_outcome(adapter), 2)
    assert sum(adapter.calls().values()) < 12, "it takes the ids that a creation would take"


@pytest.mark.parametrize("delete", GONE)
def test_an_event_that_google_neither_deletes_nor_shows_but_lists_is_not_told_as_deleted(
    adapter: AdapterHarness, delete: str
) -> None:
    written = adapter.put()
    adapter.fault("events.delete", delete, probability=1)
    adapter.fault("events.get", "notFound", probability=1)
    adapter.forget_calls()
    with pytest.raises(Refused) as caught:
        adapter.delete(written, 2)
    assert caught.value.reason == delete
    assert sum(adapter.calls().values()) < 10
    adapter.heal()
    adapter.delete(written, 2)
    assert adapter.titles() == []


@pytest.mark.parametrize("delete", ["forbidden", "forbiddenForNonOrganizer", "duplicate"])
def test_a_creation_that_never_happened_leaves_nothing_though_google_refuses_deletions_for_a_while(
    adapter: AdapterHarness, delete: str
) -> None:
    adapter.fault("events.delete", delete, probability=1)
    adapter.fault("events.get", "notFound", probability=1)
    for _ in range(4):
        with pytest.raises(Exception, match=delete):
            adapter.delete(unknown_outcome(adapter), 2)
    assert len(adapter.events_shown()) == 1
    adapter.heal()
    adapter.delete(unknown_outcome(adapter), 2)
    assert adapter.events_shown() == []


def test_an_id_that_was_taken_for_good_becomes_the_event_if_that_is_wanted_again(adapter: AdapterHarness) -> None:
    adapter.fault("events.delete", "forbiddenForNonOrganizer", probability=1)
    with pytest.raises(Exception, match="forbiddenForNonOrganizer"):
        adapter.delete(unknown_outcome(adapter), 2)
    adapter.put(3)
    assert adapter.shown() == [(first_id(adapter), "Sunset tour")]


@pytest.mark.parametrize("write", ["delete", "put", "look"])
def test_where_a_dragged_event_cannot_be_deleted_is_remembered_and_looked_at_first(
    adapter: AdapterHarness, write: str
) -> None:
    written = adapter.put()
    if write == "put":  # it may have others, since it is of a second generation
        adapter.delete_by_hand(first_id(adapter))
        written = adapter.put(2, written)
    others = [adapter.calendars.create("c-1", SPEC.model_copy(update={"name": f"Other {n}"})) for n in range(8)]
    adapter.move_by_hand(adapter.shown()[0][0], others[5])
    adapter.fault("events.delete", "requiredAccessLevel", probability=1, calendar=others[5])
    places: list[str] = []

    def note(key: EventKey, calendar_id: str) -> None:
        assert key == written.key
        places.append(calendar_id)

    def attempt() -> None:
        known = written.model_copy(update={"duplicates_in": tuple(places)})
        if write == "delete":
            adapter.events.delete_event("arctic-kayaks", "R-1042", known, 3, adapter.managed, note)
        elif write == "put":
            adapter.events.put_event(adapter.desired(3), known, adapter.managed, note_found=note)
        else:
            gone = known.model_copy(update={"present": False})
            adapter.events.delete_restored("arctic-kayaks", "R-1042", 3, "c-1", adapter.managed(), [gone], note)

    adapter.forget_calls()
    with pytest.raises(Refused):
        attempt()
    assert places == [others[5]]
    if write != "put":  # no calendar is searched after the one that refuses
        assert adapter.calls()["events.list"] < len(others)
    adapter.forget_calls()
    with pytest.raises(Refused):
        attempt()
    assert places == [others[5]]
    assert sum(adapter.calls().values()) <= 7
    adapter.heal()
    attempt()
    assert adapter.titles_in(others[5]) == []
