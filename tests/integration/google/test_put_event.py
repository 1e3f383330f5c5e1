"""Putting an event: one call when all is well, and right whatever happened before."""

import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from slotsync.errors import CalendarMissing, GrantLost, ScopeMissing
from slotsync.google.events.writes import GoogleEvents
from tests.support.adapter_harness import AUTH, EMAIL, SPEC, AdapterHarness

SILENCES = [
    {"resurrect": resurrect, "deleted_get": deleted_get}
    for resurrect in ("allow", "ignore", "refuse")
    for deleted_get in ("cancelled", "not_found")
]
each_behaviour = pytest.mark.parametrize("behaviour", SILENCES, ids=lambda each: "-".join(each.values()))


def id_of(world: AdapterHarness, written: WrittenEvent) -> str:
    return event_id("arctic-kayaks", "R-1042", written.key, written.generation)


def test_a_new_event_takes_one_call(world: AdapterHarness) -> None:
    written = world.put()
    assert world.calls() == {"events.insert": 1}
    assert world.shown() == [(id_of(world, written), "Sunset tour")]
    assert (written.generation, written.version, written.present) == (0, 1, True)
    assert written.fingerprint == world.desired().content.fingerprint
    assert written.link.startswith("http")


def test_a_change_takes_one_call(world: AdapterHarness) -> None:
    first = world.put()
    world.forget_calls()
    second = world.put(2, first, summary="Two persons")
    assert world.calls() == {"events.update": 1}
    assert world.titles() == ["Two persons"]
    assert (second.generation, second.version) == (0, 2)
    assert second.etag != first.etag


def test_what_a_change_leaves_out_is_cleared(world: AdapterHarness) -> None:
    first = world.put(description="Bring warm clothes", url="https://example.com/r/1")
    second = world.put(2, first)
    third = world.put(3, second)
    assert third.present
    event = world.services.calendar("c-1").events.get(calendarId=world.calendar_id, eventId=id_of(world, third))
    assert not {"description", "source"} & set(event.execute())


def test_nights_can_become_hours(world: AdapterHarness) -> None:
    nights = world.put(start="2026-07-01", end="2026-07-04")
    world.put(2, nights)
    event = world.services.calendar("c-1").events.get(calendarId=world.calendar_id, eventId=id_of(world, nights))
    assert set(event.execute()["start"]) == {"dateTime", "timeZone"}


def test_a_repeated_creation_adopts_the_first_one(world: AdapterHarness) -> None:
    first = world.put()
    world.forget_calls()
    assert world.put() == first
    assert world.calls() == {"events.insert": 1, "events.get": 1}


def test_a_repeated_change_adopts_the_first_one(world: AdapterHarness) -> None:
    created = world.put()
    changed = world.put(2, created, summary="Two persons")
    world.forget_calls()
    assert world.put(2, created, summary="Two persons") == changed
    assert world.calls() == {"events.update": 1, "events.get": 1}


def test_an_event_that_is_not_remembered_is_found_and_changed(world: AdapterHarness) -> None:
    world.put()
    world.forget_calls()
    world.put(2, None, summary="Two persons")
    assert world.calls() == {"events.insert": 1, "events.get": 1, "events.update": 1}
    assert world.titles() == ["Two persons"]


def test_an_event_moved_by_hand_is_put_back(world: AdapterHarness) -> None:
    written = world.put()
    world.change_by_hand(id_of(world, written), summary="Mine now")
    world.forget_calls()
    world.put(2, written, summary="Two persons")
    assert world.calls() == {"events.update": 2, "events.get": 1}
    assert world.titles() == ["Two persons"]


@each_behaviour
def test_an_event_deleted_by_hand_comes_back_under_a_new_id(world: AdapterHarness, behaviour: dict[str, str]) -> None:
    world.behave(**behaviour)
    written = world.put()
    world.delete_by_hand(id_of(world, written))
    again = world.put(2, written, summary="Two persons")
    assert again.generation == 1
    assert world.shown() == [(id_of(world, again), "Two persons")]


@each_behaviour
def test_an_event_deleted_by_hand_many_times_and_not_remembered_is_found(
    world: AdapterHarness, behaviour: dict[str, str]
) -> None:
    world.behave(**behaviour)
    written = None
    for _ in range(4):
        written = world.put(1, written)
        world.delete_by_hand(id_of(world, written))
    last = world.put(1, written)
    assert world.put() == last
    assert world.shown() == [(id_of(world, last), "Sunset tour")]


@each_behaviour
def test_an_etag_of_any_age_never_brings_a_deleted_event_back(world: AdapterHarness, behaviour: dict[str, str]) -> None:
    world.behave(**behaviour)
    written = world.put()
    world.delete_by_hand(id_of(world, written))
    tombstone = world.services.calendar("c-1").events.list(calendarId=world.calendar_id, showDeleted=True).execute()
    known = written.model_copy(update={"etag": tombstone["items"][0]["etag"]})
    again = world.put(2, known)
    assert world.titles() == ["Sunset tour"]
    assert again.present


@each_behaviour
def test_what_was_deleted_for_us_comes_back_under_a_new_id_in_one_call(
    world: AdapterHarness, behaviour: dict[str, str]
) -> None:
    world.behave(**behaviour)
    gone = world.delete(world.put(), 2)
    world.forget_calls()
    again = world.put(3, gone)
    assert again.generation == 1
    assert world.calls() == {"events.insert": 1}
    assert world.shown() == [(id_of(world, again), "Sunset tour")]


def test_what_stands_in_another_calendar_does_not_matter(world: AdapterHarness) -> None:
    elsewhere = world.put().model_copy(update={"generation": 3})
    world.calendar_id = world.calendars.create("c-1", SPEC)
    world.forget_calls()
    assert world.put(2, elsewhere).generation == 0
    assert world.calls() == {"events.insert": 1}


def test_a_late_change_leaves_a_newer_one(world: AdapterHarness) -> None:
    first = world.put()
    newer = world.put(3, first, summary="Three persons")
    assert world.put(2, first, summary="Two persons") == newer
    assert world.titles() == ["Three persons"]


def test_a_late_creation_leaves_a_newer_change(world: AdapterHarness) -> None:
    newer = world.put(3, world.put(2), summary="Three persons")
    assert world.put(1) == newer
    assert world.titles() == ["Three persons"]


def test_a_late_creation_leaves_a_newer_event_deleted(world: AdapterHarness) -> None:
    world.delete(world.put(2), 3)
    left = world.put(1)
    assert not left.present
    assert left.version == 2
    assert world.titles() == []


def test_an_event_that_lost_its_mark_is_still_ours(world: AdapterHarness) -> None:
    written = world.put()
    world.change_by_hand(id_of(world, written), extendedProperties={"private": dict.fromkeys(("merchant", "version"))})
    world.put(2, written, summary="Two persons")
    assert world.titles() == ["Two persons"]
    assert world.put(2, None, summary="Two persons").version == 2


def test_a_strangers_event_under_our_id_is_left_alone(world: AdapterHarness) -> None:
    written = world.put()
    world.change_by_hand(
        id_of(world, written), summary="Stranger", extendedProperties={"private": {"reservation": "R-9"}}
    )
    ours = world.put()
    assert ours.generation == 1
    assert sorted(world.titles()) == ["Stranger", "Sunset tour"]


def test_a_new_event_in_a_deleted_calendar_reports_the_calendar(world: AdapterHarness) -> None:
    world.delete_calendar_by_hand()
    with pytest.raises(CalendarMissing):
        world.put()


def test_a_change_in_a_deleted_calendar_reports_the_calendar(world: AdapterHarness) -> None:
    written = world.put()
    world.delete_calendar_by_hand()
    with pytest.raises(CalendarMissing):
        world.put(2, written)


def test_the_users_own_calendar_is_out_of_reach(world: AdapterHarness) -> None:
    world.calendar_id = EMAIL
    with pytest.raises(CalendarMissing):
        world.put()


def test_a_withdrawn_grant_is_lost(world: AdapterHarness) -> None:
    world.put()
    world.revoke()
    with pytest.raises(GrantLost) as caught:
        world.put(2)
    assert caught.value.reason == "invalid_grant"


def test_a_scope_that_was_not_granted_is_missing(world: AdapterHarness) -> None:
    world.connect("c-1", EMAIL, [f"{AUTH}calendar.calendarlist.readonly"])
    with pytest.raises(ScopeMissing):
        world.put()


def test_the_heart_beats_before_each_call(world: AdapterHarness) -> None:
    beats: list[int] = []
    written = world.put()
    world.delete_by_hand(id_of(world, written))
    world.forget_calls()
    GoogleEvents(world.services, lambda: beats.append(1)).put_event(world.desired(2), written)
    assert len(beats) == sum(world.calls().values()) == 3


def test_times_come_back_as_the_same_instants(world: AdapterHarness) -> None:
    for start, end in [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ("2026-03-29T00:59:59.250Z", "2026-03-29T01:00:00Z"),
        ("2026-07-01", "2026-07-02"),
    ]:
        world.put(1, None, start=start, end=end)
        world.forget_calls()
        world.put(1, None, start=start, end=end)
        assert world.calls() == {"events.insert": 1, "events.get": 1}


def test_an_event_that_google_does_not_find_for_a_moment_is_not_doubled(world: AdapterHarness) -> None:
    written = world.put()
    world.fault("events.update", "notFound", count=1)
    world.fault("events.get", "notFound", count=1)
    assert world.put(2, written, summary="Moved").present
    assert world.titles() == ["Moved"]


def test_a_creation_whose_answer_was_lost_and_that_is_not_found_for_a_moment_is_not_doubled(
    world: AdapterHarness,
) -> None:
    world.fault("events.insert", "lost_response", count=1)
    world.fault("events.get", "notFound", count=1)
    assert world.put().present
    assert world.titles() == ["Sunset tour"]
