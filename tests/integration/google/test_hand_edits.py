"""What people do to our events by hand: nothing of theirs is lost, and nothing of ours is left or doubled."""

import pytest

from slotsync.domain.reservations.event import WrittenEvent, event_id
from slotsync.errors import Refused, Transient
from slotsync.google.calendar_marks import CalendarSpec
from tests.support.adapter_harness import EMAIL, SPEC, AdapterHarness

BOAT_SPEC = CalendarSpec(**{**dict(SPEC), "name": "Boat"})

ADDITIONS = {
    "location": "Pier 3",
    "description": "Bring lunch",
    "source": {"url": "https://crm.example/7", "title": "CRM"},
    "colorId": "5",
    "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 10}]},
    "visibility": "private",
    "attendees": [{"email": "guide@example.com", "responseStatus": "accepted"}],
    "guestsCanModify": True,
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
    "attachments": [{"fileUrl": "https://example.com/menu.pdf", "title": "Menu"}],
    "conferenceData": {
        "conferenceId": "aaa-bbbb-ccc",
        "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/aaa-bbbb-ccc"}],
    },
    "extendedProperties": {"private": {"tasks.app": "7"}, "shared": {"crm": "42"}},
}


def own_id(adapter: AdapterHarness, generation: int = 0) -> str:
    return event_id("arctic-kayaks", "R-1042", adapter.desired().key, generation)


def other_calendar(adapter: AdapterHarness) -> str:
    return adapter.calendars.create("c-1", BOAT_SPEC)


def additions(adapter: AdapterHarness, generation: int = 0) -> dict[str, object]:
    """Return what the event shows of the additions."""
    event = adapter.event(own_id(adapter, generation))
    properties: dict[str, dict[str, str]] = event["extendedProperties"]  # type: ignore[assignment]  # read loosely
    shown = {name: event.get(name) for name in ADDITIONS if name != "extendedProperties"}
    private = {name: value for name, value in properties["private"].items() if name == "tasks.app"}
    return {**shown, "extendedProperties": {"private": private, "shared": properties.get("shared")}}


@pytest.mark.parametrize("name", ADDITIONS)
def test_what_people_add_survives_every_change(adapter: AdapterHarness, name: str) -> None:
    written = adapter.put()
    adapter.change_by_hand(own_id(adapter), **{name: ADDITIONS[name]})
    second = adapter.put(2, written, summary="Two persons")
    third = adapter.put(3, second, summary="Three persons", description="")
    assert additions(adapter)[name] == ADDITIONS[name]
    assert adapter.titles() == ["Three persons"]
    assert (second.touched, third.touched) == (True, True)


def test_our_fields_are_ours_whatever_people_write_there(adapter: AdapterHarness) -> None:
    written = adapter.put(description="Reservation R-1042")
    adapter.change_by_hand(own_id(adapter), summary="Mine", description="Mine", location="Pier 3")
    adapter.put(2, written)
    event = adapter.event(own_id(adapter))
    assert (event["summary"], event.get("description"), event["location"]) == ("Sunset tour", None, "Pier 3")


def test_a_description_is_ours_from_when_we_write_one_until_we_write_none(adapter: AdapterHarness) -> None:
    def shown(version: int, known: WrittenEvent, **content: str) -> tuple[WrittenEvent, object]:
        written = adapter.put(version, known, **content)
        return written, adapter.event(own_id(adapter)).get("description")

    known = adapter.put(description="Kari Nordmann")
    adapter.change_by_hand(own_id(adapter), description="<b>Kari</b> Nordmann, allergic", location="Pier 3")
    known, description = shown(2, known)
    assert description is None, "a guest's name has to go"
    adapter.change_by_hand(own_id(adapter), description="Mine")
    known, description = shown(3, known)
    assert description == "Mine"
    known, description = shown(4, known, description="Kari Nordmann")
    assert description == "Kari Nordmann"
    known, description = shown(5, known)
    assert description is None


def test_a_change_of_an_event_that_nobody_touched_takes_one_call_and_else_three(adapter: AdapterHarness) -> None:
    written = adapter.put(2, adapter.put())
    assert not written.touched
    adapter.change_by_hand(own_id(adapter), colorId="5")
    adapter.forget_calls()
    touched = adapter.put(3, written, summary="Three")
    assert adapter.calls() == {"events.update": 2, "events.get": 1}
    adapter.forget_calls()
    adapter.put(4, touched, summary="Four")
    assert adapter.calls() == {"events.update": 1, "events.get": 1}


def test_an_event_that_is_restored_after_its_deletion_is_changed_and_then_deleted(adapter: AdapterHarness) -> None:
    adapter.behave(resurrect="allow")
    gone = adapter.delete(adapter.put(), 2)
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    again = adapter.put(3, gone, summary="Three persons")
    assert (adapter.titles(), again.generation) == (["Three persons"], 0)
    adapter.delete(again, 4)
    assert adapter.titles() == []


def test_an_older_generation_that_is_restored_goes_with_the_newer_one(adapter: AdapterHarness) -> None:
    adapter.behave(resurrect="allow")
    second = adapter.put(3, adapter.delete(adapter.put(), 2))
    assert second.generation == 1
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    assert len(adapter.titles()) == 2
    adapter.delete(second, 4)
    assert adapter.titles() == []


def test_an_older_generation_that_is_restored_beside_the_newer_one_goes_with_the_next_version(
    adapter: AdapterHarness,
) -> None:
    adapter.behave(resurrect="allow")
    second = adapter.put(3, adapter.delete(adapter.put(), 2))
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    adapter.put(4, second, summary="Four")
    assert adapter.titles() == ["Four"]


def test_of_several_generations_that_are_restored_one_is_kept(adapter: AdapterHarness) -> None:
    adapter.behave(resurrect="allow")
    second = adapter.delete(adapter.put(3, adapter.delete(adapter.put(), 2)), 4)
    for generation in (0, 1):
        adapter.change_by_hand(own_id(adapter, generation), status="confirmed")
    assert adapter.put(5, second, summary="Five").generation == 1
    assert adapter.titles() == ["Five"]


def test_an_event_that_is_restored_and_dragged_away_does_not_come_back_twice(adapter: AdapterHarness) -> None:
    adapter.behave(resurrect="allow")
    gone, boat = adapter.delete(adapter.put(), 2), other_calendar(adapter)
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    adapter.move_by_hand(own_id(adapter), boat)
    adapter.put(3, gone, summary="Three")
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Three"], [])


def test_an_event_that_is_dragged_to_another_of_our_calendars_comes_back_alone(adapter: AdapterHarness) -> None:
    written, boat = adapter.put(), other_calendar(adapter)
    adapter.move_by_hand(own_id(adapter), boat)
    back = adapter.put(2, written)
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Sunset tour"], [])
    adapter.delete(back, 3)
    assert adapter.titles() == []


@pytest.mark.parametrize("name", ADDITIONS)
def test_what_people_added_to_an_event_that_is_dragged_away_comes_back_with_it(
    adapter: AdapterHarness, name: str
) -> None:
    written, boat = adapter.put(), other_calendar(adapter)
    adapter.change_by_hand(own_id(adapter), **{name: ADDITIONS[name]})
    adapter.move_by_hand(own_id(adapter), boat)
    back = adapter.put(2, written, summary="Two persons")
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Two persons"], [])
    assert (back.generation, back.touched) == (1, True)
    assert additions(adapter, 1)[name] == ADDITIONS[name]
    adapter.put(3, back, summary="Three persons")
    assert additions(adapter, 1)[name] == ADDITIONS[name]


def test_guests_of_an_older_generation_that_is_restored_are_kept_beside_those_of_the_newer_one(
    adapter: AdapterHarness,
) -> None:
    adapter.behave(resurrect="allow")
    adapter.put()
    adapter.change_by_hand(own_id(adapter), attendees=[{"email": "guide@example.com"}, {"email": "cook@example.com"}])
    adapter.delete_by_hand(own_id(adapter))
    second = adapter.put(3)
    adapter.change_by_hand(own_id(adapter, 1), attendees=[{"email": "Guide@example.com"}], location="Pier 3")
    adapter.change_by_hand(own_id(adapter), status="confirmed")
    adapter.put(4, second, summary="Four")
    event = adapter.event(own_id(adapter, 1))
    guests = event["attendees"]
    assert isinstance(guests, list)
    assert [guest["email"] for guest in guests] == ["Guide@example.com", "cook@example.com"]
    assert (event["location"], adapter.titles()) == ("Pier 3", ["Four"])


def test_additions_that_cannot_be_carried_over_now_are_not_lost(adapter: AdapterHarness) -> None:
    adapter.put()
    boat = other_calendar(adapter)
    adapter.change_by_hand(own_id(adapter), attendees=ADDITIONS["attendees"])
    adapter.move_by_hand(own_id(adapter), boat)
    adapter.fault("events.update", "backendError")
    with pytest.raises(Transient):
        adapter.put(2)
    assert adapter.titles_in(boat) == ["Sunset tour"], "nothing is deleted before its guests are safe"
    adapter.heal()
    adapter.put(2)
    assert (adapter.titles(), adapter.titles_in(boat)) == (["Sunset tour"], [])
    assert additions(adapter, 1)["attendees"] == ADDITIONS["attendees"]


def test_an_event_that_was_dragged_away_is_deleted_where_it_is(adapter: AdapterHarness) -> None:
    written, boat = adapter.put(), other_calendar(adapter)
    adapter.move_by_hand(own_id(adapter), boat)
    assert not adapter.delete(written, 2).present
    assert (adapter.titles(), adapter.titles_in(boat)) == ([], [])


def test_a_newer_event_elsewhere_is_left_alone(adapter: AdapterHarness) -> None:
    written, boat = adapter.put(5), other_calendar(adapter)
    adapter.move_by_hand(own_id(adapter), boat)
    adapter.delete(written, 2)
    assert adapter.titles_in(boat) == ["Sunset tour"]


@pytest.mark.parametrize("reason", ["forbidden", "conditionNotMet", "requiredAccessLevel", "deleted", "notFound"])
@pytest.mark.parametrize("method", ["events.update", "events.delete"])
def test_a_lasting_refusal_ends_after_few_calls_with_googles_reason(
    adapter: AdapterHarness, method: str, reason: str
) -> None:
    written = adapter.put()
    adapter.fault(method, reason, probability=1)
    adapter.forget_calls()
    with pytest.raises(Refused) as caught:
        adapter.delete(written, 2) if method == "events.delete" else adapter.put(2, written)
    assert caught.value.reason == reason
    assert sum(adapter.calls().values()) <= 4


def test_an_id_that_google_calls_taken_again_and_again_ends_after_few_calls_with_googles_reason(
    adapter: AdapterHarness,
) -> None:
    adapter.fault("events.insert", "duplicate", probability=1)
    adapter.forget_calls()
    with pytest.raises(Refused) as caught:
        adapter.put()
    assert caught.value.reason == "duplicate"
    assert sum(adapter.calls().values()) <= 4
    adapter.heal()
    adapter.put()
    assert adapter.titles() == ["Sunset tour"]


@pytest.mark.parametrize("said", ["deleted", "notFound"])
@pytest.mark.parametrize("read", ["deleted", "notFound"])
def test_an_event_that_google_untruthfully_calls_deleted_is_neither_left_nor_doubled(
    adapter: AdapterHarness, said: str, read: str
) -> None:
    written = adapter.put()
    for method, reason in (("events.update", said), ("events.get", read)):
        adapter.fault(method, reason, count=1)
    changed = adapter.put(2, written, summary="Three persons")
    assert adapter.titles() == ["Three persons"]
    for method, reason in (("events.delete", said), ("events.get", read)):
        adapter.fault(method, reason, count=1)
    adapter.delete(changed, 3)
    assert adapter.titles() == []


def test_a_creation_that_google_refuses_does_not_cost_a_search_of_all_calendars(adapter: AdapterHarness) -> None:
    written = adapter.put()
    for _ in range(5):
        other_calendar(adapter)
    adapter.delete_by_hand(own_id(adapter))
    adapter.fault("events.insert", "requiredAccessLevel", probability=1)
    adapter.forget_calls()
    with pytest.raises(Refused):
        adapter.put(2, written)
    assert sum(adapter.calls().values()) <= 4


@pytest.mark.parametrize("searched", [False, True])
def test_a_calendar_that_the_account_may_only_read_is_not_missing(adapter: AdapterHarness, *, searched: bool) -> None:
    written = adapter.put()
    if searched:
        adapter.delete_by_hand(own_id(adapter))
        written = adapter.put(2, written)
    unknown = written.model_copy(update={"etag": "", "fingerprint": ""})
    access = f"/sandbox/accounts/{EMAIL}/calendars/{adapter.calendar_id}/access"
    adapter.controls.patch(access, json={"role": "reader"}).raise_for_status()
    for work in (
        lambda: adapter.put(3, written),
        lambda: adapter.put(3, unknown),
        lambda: adapter.delete(written, 3),
        lambda: adapter.delete(unknown, 3),
        lambda: adapter.events.delete_restored(
            "arctic-kayaks", "R-1042", 3, "c-1", [adapter.calendar_id], [written.model_copy(update={"present": False})]
        ),
    ):
        with pytest.raises(Refused) as caught:
            work()
        assert caught.value.reason == "requiredAccessLevel"
    assert adapter.titles() == ["Sunset tour"]
