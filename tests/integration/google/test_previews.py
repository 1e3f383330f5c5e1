"""Previews of a merchant's calendars: what Google shows of their events, and when they are busy."""

from datetime import UTC, date, datetime, timedelta

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.errors import GrantLost, RateLimited, ScopeMissing, Transient
from slotsync.google.previews import CalendarPreviews, Disclosure, PreviewEvent
from tests.support.adapter_harness import EMAIL, SCOPES, AdapterHarness
from tests.support.local_google import AUTH

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DETAILS: dict[str, object] = {
    "summary": "Dentist",
    "description": "Root canal",
    "location": "Oslo",
    "attendees": [{"email": "x@y.z"}],
}

FREEBUSY_ONLY = [f"{AUTH}calendar.app.created", f"{AUTH}calendar.calendarlist.readonly", f"{AUTH}calendar.freebusy"]

each_behaviour = pytest.mark.parametrize("behaviour", ["strip", "refuse"])


def previews(adapter: AdapterHarness) -> CalendarPreviews:
    return CalendarPreviews(adapter.services)


def times(start: datetime, lasts: timedelta = HOUR) -> dict[str, object]:
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + lasts).isoformat()}}


def enter(adapter: AdapterHarness, calendar_id: str, at: datetime = NOON, /, **more: object) -> None:
    """Add an event to a calendar by hand."""
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events"
    adapter.controls.post(address, json={"summary": "Private", **times(at), **more}).raise_for_status()


def between(start: datetime, end: datetime) -> Interval:
    return Interval(start=start, end=end)


NOON_TO_ONE = between(NOON, NOON + HOUR)


@pytest.mark.parametrize(("behaviour", "disclosure"), [("strip", Disclosure.TIMES), ("refuse", Disclosure.NOTHING)])
def test_with_the_least_scopes_google_shows_only_times_or_nothing(
    empty_adapter: AdapterHarness, behaviour: str, disclosure: Disclosure
) -> None:
    empty_adapter.behave(freebusy_scope_events=behaviour)
    enter(empty_adapter, EMAIL, **DETAILS)
    assert previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON) is disclosure


@each_behaviour
def test_without_the_scope_for_push_google_shows_nothing(empty_adapter: AdapterHarness, behaviour: str) -> None:
    empty_adapter.behave(freebusy_scope_events=behaviour)
    empty_adapter.connect("c-1", EMAIL, FREEBUSY_ONLY)
    enter(empty_adapter, EMAIL, **DETAILS)
    assert previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON) is Disclosure.NOTHING


def test_a_calendar_that_is_empty_shows_that_it_is(empty_adapter: AdapterHarness) -> None:
    assert previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON) is Disclosure.NO_EVENTS


def test_a_missing_calendar_shows_nothing(empty_adapter: AdapterHarness) -> None:
    assert previews(empty_adapter).check_disclosure("c-1", "gone@group.calendar.google.com", NOON) is Disclosure.NOTHING


@pytest.mark.parametrize("detail", DETAILS)
def test_a_grant_that_shows_any_detail_is_reported(empty_adapter: AdapterHarness, detail: str) -> None:
    empty_adapter.connect("c-1", EMAIL, [f"{AUTH}calendar"])
    enter(empty_adapter, EMAIL, summary="")
    assert previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON) is Disclosure.TIMES
    enter(empty_adapter, EMAIL, **{"summary": "", detail: DETAILS[detail]})
    assert previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON) is Disclosure.DETAILS


@pytest.mark.parametrize("kind", ["backendError", "rateLimitExceeded", "drop"])
def test_a_failure_is_not_taken_for_no_disclosure(empty_adapter: AdapterHarness, kind: str) -> None:
    empty_adapter.fault("events.list", kind, count=4)
    with pytest.raises((Transient, RateLimited)):
        previews(empty_adapter).check_disclosure("c-1", EMAIL, NOON)


@each_behaviour
def test_busy_times_are_read_however_google_shows_events(empty_adapter: AdapterHarness, behaviour: str) -> None:
    empty_adapter.behave(freebusy_scope_events=behaviour)
    enter(empty_adapter, EMAIL)
    enter(empty_adapter, EMAIL, NOON + HOUR / 2, transparency="transparent")
    assert previews(empty_adapter).read_busy_times("c-1", [EMAIL], NOON, NOON + DAY) == {EMAIL: (NOON_TO_ONE,)}


def test_a_free_calendar_is_free_and_not_unknown(empty_adapter: AdapterHarness) -> None:
    assert previews(empty_adapter).read_busy_times("c-1", [EMAIL], NOON, NOON + DAY) == {EMAIL: ()}


def test_no_calendar_at_all_asks_google_nothing(empty_adapter: AdapterHarness) -> None:
    empty_adapter.forget_calls()
    assert previews(empty_adapter).read_busy_times("c-1", [], NOON, NOON + DAY) == {}
    assert empty_adapter.calls() == {}


def test_an_error_inside_a_good_answer_makes_exactly_that_calendar_unknown(empty_adapter: AdapterHarness) -> None:
    family, boat = (empty_adapter.create_calendar_by_hand(summary=name) for name in ("Family", "Boat"))
    for each in (family, boat, EMAIL):
        enter(empty_adapter, each)
    empty_adapter.fault("freebusy.query", "freebusy_error", calendar=boat, reason="internalError")
    found = previews(empty_adapter).read_busy_times("c-1", [family, boat, EMAIL], NOON, NOON + DAY)
    assert found == {family: (NOON_TO_ONE,), boat: None, EMAIL: (NOON_TO_ONE,)}


def test_a_calendar_that_google_does_not_know_is_unknown(empty_adapter: AdapterHarness) -> None:
    assert previews(empty_adapter).read_busy_times("c-1", ["gone@x", EMAIL], NOON, NOON + DAY) == {
        "gone@x": None,
        EMAIL: (),
    }


def test_more_than_fifty_calendars_are_asked_in_as_few_calls_as_google_allows(empty_adapter: AdapterHarness) -> None:
    many = [empty_adapter.create_calendar_by_hand(summary=f"Calendar {number}") for number in range(101)]
    for number, each in enumerate(many):
        enter(empty_adapter, each, NOON + number * HOUR)
    found = previews(empty_adapter).read_busy_times("c-1", many, NOON, NOON + 7 * DAY)
    assert empty_adapter.calls()["freebusy.query"] == 3
    starts = [NOON + number * HOUR for number in range(101)]
    assert [found[each] for each in many] == [(between(start, start + HOUR),) for start in starts]


def test_busy_times_of_another_account_are_unknown(empty_adapter: AdapterHarness) -> None:
    empty_adapter.connect("c-2", "other@example.com", SCOPES)
    enter(empty_adapter, EMAIL)
    assert previews(empty_adapter).read_busy_times("c-2", [EMAIL], NOON, NOON + DAY) == {EMAIL: None}


def test_without_a_scope_for_them_busy_times_are_refused(empty_adapter: AdapterHarness) -> None:
    empty_adapter.connect("c-1", EMAIL, [f"{AUTH}calendar.app.created"])
    with pytest.raises(ScopeMissing):
        previews(empty_adapter).read_busy_times("c-1", [EMAIL], NOON, NOON + DAY)


def test_a_withdrawn_grant_and_an_outage_are_different_errors(empty_adapter: AdapterHarness) -> None:
    empty_adapter.fault("freebusy.query", "backendError")
    with pytest.raises(Transient):
        previews(empty_adapter).read_busy_times("c-1", [EMAIL], NOON, NOON + DAY)
    empty_adapter.revoke()
    with pytest.raises(GrantLost):
        previews(empty_adapter).read_busy_times("c-1", [EMAIL], NOON, NOON + DAY)


def test_events_of_a_calendar_of_ours_are_shown_in_order(adapter: AdapterHarness) -> None:
    adapter.put(summary="Sunset tour", start="2026-12-02T15:00:00Z", end="2026-12-02T17:00:00Z")
    enter(adapter, adapter.calendar_id, NOON, summary="Painting the boat")
    nights: dict[str, object] = {"start": {"date": "2026-12-03"}, "end": {"date": "2026-12-05"}}
    enter(adapter, adapter.calendar_id, summary="Cabin", **nights)
    enter(adapter, adapter.calendar_id, NOON + 30 * DAY, summary="Too late")
    second = datetime(2026, 12, 2, 15, tzinfo=UTC)
    assert previews(adapter).list_events("c-1", adapter.calendar_id, NOON, NOON + 7 * DAY) == [
        PreviewEvent(title="Painting the boat", start=NOON, end=NOON + HOUR),
        PreviewEvent(title="Sunset tour", start=second, end=second + 2 * HOUR),
        PreviewEvent(title="Cabin", start=date(2026, 12, 3), end=date(2026, 12, 5)),
    ]


def test_no_title_is_printed_by_accident(adapter: AdapterHarness) -> None:
    enter(adapter, adapter.calendar_id, summary="Kari Nordmann")
    shown = previews(adapter).list_events("c-1", adapter.calendar_id, NOON, NOON + DAY)
    assert [each.title for each in shown] == ["Kari Nordmann"]
    assert "Kari" not in f"{shown} {shown[0]}"
