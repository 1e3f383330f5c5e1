"""Putting an event: one call when all is well, and right whatever happened before."""

import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from slotsync.errors import CalendarMissing, GrantLost, ScopeMissing
from slotsync.google.events.event_write import NotWanted
from slotsync.google.events.writes import GoogleEvents
from tests.support.adapter_harness import EMAIL, SPEC, AdapterHarness
from tests.support.desired_events import hasher_with
from tests.support.local_google import AUTH

TOMBSTONE_BEHAVIOURS = [
    {"resurrect": resurrect, "deleted_get": deleted_get}
    for resurrect in ("allow", "ignore", "refuse")
    for deleted_get in ("cancelled", "not_found")
]
each_behaviour = pytest.mark.parametrize("behaviour", TOMBSTONE_BEHAVIOURS, ids=lambda each: "-".join(each.values()))


def id_of(adapter: AdapterHarness, written: WrittenEvent) -> str:
    return event_id("arctic-kayaks", "R-1042", written.key, written.generation)


def test_a_new_event_takes_one_call(adapter: AdapterHarness) -> None:
    written = adapter.put()
    assert adapter.calls() == {"events.insert": 1}
    assert adapter.shown() == [(id_of(adapter, written), "Sunset tour")]
    assert (written.generation, written.version, written.present) == (0, 1, True)
    assert written.fingerprint == adapter.desired().fingerprint
    assert written.link.startswith("http")


def test_google_keeps_no_fingerprint_by_which_a_content_can_be_guessed(adapter: AdapterHarness) -> None:
    written = adapter.put()
    shown = adapter.services.calendar("c-1").events.get(calendarId=adapter.calendar_id, eventId=id_of(adapter, written))
    event = shown.execute()
    assert event["extendedProperties"]["private"]["slotsyncFingerprint"] == written.fingerprint
    assert adapter.desired().content.plain_fingerprint not in str(event)


@pytest.mark.parametrize("key", ["none", "of a lost database"])
def test_an_event_with_a_plain_fingerprint_or_one_of_a_lost_key_is_adopted_as_it_is(
    adapter: AdapterHarness, key: str
) -> None:
    desired = adapter.desired()
    plain = desired.content.plain_fingerprint
    before = plain if key == "none" else hasher_with(key).hash(plain)
    adapter.events.put_event(desired.model_copy(update={"fingerprint": before}), None)
    adapter.forget_calls()
    assert adapter.put().fingerprint == desired.fingerprint
    assert adapter.calls() == {"events.insert": 1, "events.get": 1}


def test_a_change_takes_one_call(adapter: AdapterHarness) -> None:
    first = adapter.put()
    adapter.forget_calls()
    second = adapter.put(2, first, summary="Two persons")
    assert adapter.calls() == {"events.update": 1}
    assert adapter.titles() == ["Two persons"]
    assert (second.generation, second.version) == (0, 2)
    assert second.etag != first.etag


def test_what_a_change_leaves_out_is_cleared(adapter: AdapterHarness) -> None:
    first = adapter.put(description="Bring warm clothes", url="https://example.com/r/1")
    second = adapter.put(2, first)
    third = adapter.put(3, second)
    assert third.present
    event = adapter.services.calendar("c-1").events.get(calendarId=adapter.calendar_id, eventId=id_of(adapter, third))
    assert not {"description", "source"} & set(event.execute())


def test_nights_can_become_hours(adapter: AdapterHarness) -> None:
    nights = adapter.put(start="2026-07-01", end="2026-07-04")
    adapter.put(2, nights)
    event = adapter.services.calendar("c-1").events.get(calendarId=adapter.calendar_id, eventId=id_of(adapter, nights))
    assert set(event.execute()["start"]) == {"dateTime", "timeZone"}


def test_a_repeated_creation_adopts_the_first_one(adapter: AdapterHarness) -> None:
    first = adapter.put()
    adapter.forget_calls()
    assert adapter.put() == first
    assert adapter.calls() == {"events.insert": 1, "events.get": 1}


def test_a_repeated_change_adopts_the_first_one(adapter: AdapterHarness) -> None:
    created = adapter.put()
    changed = adapter.put(2, created, summary="Two persons")
    adapter.forget_calls()
    assert adapter.put(2, created, summary="Two persons") == changed
    assert adapter.calls() == {"events.update": 1, "events.get": 1}


def test_an_event_that_is_not_remembered_is_found_and_changed(adapter: AdapterHarness) -> None:
    adapter.put()
    adapter.forget_calls()
    adapter.put(2, None, summary="Two persons")
    assert adapter.calls() == {"events.insert": 1, "events.get": 1, "events.update": 1}
    assert adapter.titles() == ["Two persons"]


def test_an_event_moved_by_hand_is_put_back(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.change_by_hand(id_of(adapter, written), summary="Mine now")
    adapter.forget_calls()
    adapter.put(2, written, summary="Two persons")
    assert adapter.calls() == {"events.update": 2, "events.get": 1}
    assert adapter.titles() == ["Two persons"]


@each_behaviour
def test_an_event_deleted_by_hand_comes_back_under_a_new_id(adapter: AdapterHarness, behaviour: dict[str, str]) -> None:
    adapter.behave(**behaviour)
    written = adapter.put()
    adapter.delete_by_hand(id_of(adapter, written))
    again = adapter.put(2, written, summary="Two persons")
    assert again.generation == 1
    assert adapter.shown() == [(id_of(adapter, again), "Two persons")]


@each_behaviour
def test_an_event_deleted_by_hand_many_times_and_not_remembered_is_found(
    adapter: AdapterHarness, behaviour: dict[str, str]
) -> None:
    adapter.behave(**behaviour)
    written = None
    for _ in range(4):
        written = adapter.put(1, written)
        adapter.delete_by_hand(id_of(adapter, written))
    last = adapter.put(1, written)
    found = adapter.put()
    assert found == last.model_copy(update={"duplicates_in": found.duplicates_in}), (
        "it may be looked for once too often"
    )
    assert adapter.shown() == [(id_of(adapter, last), "Sunset tour")]


@each_behaviour
def test_an_etag_of_any_age_never_restores_a_deleted_event(adapter: AdapterHarness, behaviour: dict[str, str]) -> None:
    adapter.behave(**behaviour)
    written = adapter.put()
    adapter.delete_by_hand(id_of(adapter, written))
    tombstone = adapter.services.calendar("c-1").events.list(calendarId=adapter.calendar_id, showDeleted=True).execute()
    known = written.model_copy(update={"etag": tombstone["items"][0]["etag"]})
    again = adapter.put(2, known)
    assert adapter.titles() == ["Sunset tour"]
    assert again.present


@each_behaviour
def test_what_was_deleted_for_us_comes_back_under_a_new_id_after_a_look_for_restored_ones(
    adapter: AdapterHarness, behaviour: dict[str, str]
) -> None:
    adapter.behave(**behaviour)
    gone = adapter.delete(adapter.put(), 2)
    adapter.forget_calls()
    again = adapter.put(3, gone)
    assert again.generation == 1
    assert adapter.calls() == {"events.list": 1, "events.insert": 1}
    assert adapter.shown() == [(id_of(adapter, again), "Sunset tour")]


def test_an_event_in_another_calendar_does_not_matter(adapter: AdapterHarness) -> None:
    elsewhere = adapter.put().model_copy(update={"generation": 3})
    adapter.calendar_id = adapter.calendars.create("c-1", SPEC)
    adapter.forget_calls()
    assert adapter.put(2, elsewhere).generation == 0
    assert adapter.calls() == {"events.insert": 1}


def test_a_late_change_leaves_a_newer_one(adapter: AdapterHarness) -> None:
    first = adapter.put()
    newer = adapter.put(3, first, summary="Three persons")
    assert adapter.put(2, first, summary="Two persons") == newer
    assert adapter.titles() == ["Three persons"]


def test_a_late_creation_leaves_a_newer_change(adapter: AdapterHarness) -> None:
    newer = adapter.put(3, adapter.put(2), summary="Three persons")
    assert adapter.put(1) == newer
    assert adapter.titles() == ["Three persons"]


def test_a_late_creation_leaves_a_newer_event_deleted(adapter: AdapterHarness) -> None:
    adapter.delete(adapter.put(2), 3)
    left = adapter.put(1)
    assert not left.present
    assert left.version == 2
    assert adapter.titles() == []


def test_an_event_that_lost_its_mark_is_still_ours(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.change_by_hand(
        id_of(adapter, written), extendedProperties={"private": dict.fromkeys(("slotsyncMerchant", "slotsyncVersion"))}
    )
    adapter.put(2, written, summary="Two persons")
    assert adapter.titles() == ["Two persons"]
    assert adapter.put(2, None, summary="Two persons").version == 2


def test_a_foreign_event_under_our_id_is_not_changed(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.change_by_hand(
        id_of(adapter, written), summary="Foreign", extendedProperties={"private": {"slotsyncReservation": "R-9"}}
    )
    ours = adapter.put()
    assert ours.generation == 1
    assert sorted(adapter.titles()) == ["Foreign", "Sunset tour"]


def test_a_new_event_in_a_deleted_calendar_reports_the_calendar(adapter: AdapterHarness) -> None:
    adapter.delete_calendar_by_hand()
    with pytest.raises(CalendarMissing):
        adapter.put()


def test_a_change_in_a_deleted_calendar_reports_the_calendar(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.delete_calendar_by_hand()
    with pytest.raises(CalendarMissing):
        adapter.put(2, written)


def test_the_users_own_calendar_is_out_of_reach(adapter: AdapterHarness) -> None:
    adapter.calendar_id = EMAIL
    with pytest.raises(CalendarMissing):
        adapter.put()


def test_a_withdrawn_grant_is_lost(adapter: AdapterHarness) -> None:
    adapter.put()
    adapter.revoke()
    with pytest.raises(GrantLost) as caught:
        adapter.put(2)
    assert caught.value.reason == "invalid_grant"


def test_a_scope_that_was_not_granted_is_missing(adapter: AdapterHarness) -> None:
    adapter.connect("c-1", EMAIL, [f"{AUTH}calendar.calendarlist.readonly"])
    with pytest.raises(ScopeMissing):
        adapter.put()


def test_a_heartbeat_is_sent_before_each_call(adapter: AdapterHarness) -> None:
    heartbeats: list[int] = []
    written = adapter.put()
    adapter.delete_by_hand(id_of(adapter, written))
    adapter.forget_calls()
    GoogleEvents(adapter.services, lambda: heartbeats.append(1)).put_event(adapter.desired(2), written)
    assert len(heartbeats) == sum(adapter.calls().values()) == 4


@each_behaviour
def test_an_event_that_was_deleted_and_is_not_wanted_any_more_stays_deleted(
    behaviour: dict[str, str], adapter: AdapterHarness
) -> None:
    written = adapter.put()
    adapter.delete_by_hand(id_of(adapter, written))
    adapter.behave(**behaviour | {"resurrect": "refuse"})
    for known in (written, None):
        with pytest.raises(NotWanted):
            adapter.events.put_event(adapter.desired(2), known, adapter.managed, lambda: False)
    assert adapter.titles() == []


def test_times_come_back_as_the_same_instants(adapter: AdapterHarness) -> None:
    for start, end in [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        ("2026-03-29T00:59:59.250Z", "2026-03-29T01:00:00Z"),
        ("2026-07-01", "2026-07-02"),
    ]:
        adapter.put(1, None, start=start, end=end)
        adapter.forget_calls()
        adapter.put(1, None, start=start, end=end)
        assert adapter.calls() == {"events.insert": 1, "events.get": 1}


def test_an_event_that_google_does_not_find_for_a_moment_is_not_doubled(adapter: AdapterHarness) -> None:
    written = adapter.put()
    adapter.fault("events.update", "notFound", count=1)
    adapter.fault("events.get", "notFound", count=1)
    assert adapter.put(2, written, summary="Moved").present
    assert adapter.titles() == ["Moved"]


def test_a_creation_with_a_lost_answer_that_is_not_found_for_a_moment_is_not_doubled(
    adapter: AdapterHarness,
) -> None:
    adapter.fault("events.insert", "lost_response", count=1)
    adapter.fault("events.get", "notFound", count=1)
    assert adapter.put().present
    assert adapter.titles() == ["Sunset tour"]
