"""Looking at a merchant's calendars: what Google gives away of them, and when they are busy."""

from datetime import UTC, date, datetime, timedelta

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.errors import GrantLost, RateLimited, ScopeMissing, Transient
from slotsync.google.previews import GivenAway, GoogleLooks, ShownEvent
from tests.support.adapter_harness import AUTH, EMAIL, SCOPES, AdapterHarness

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


def looks(world: AdapterHarness) -> GoogleLooks:
    return GoogleLooks(world.services)


def times(start: datetime, lasts: timedelta = HOUR) -> dict[str, object]:
    return {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + lasts).isoformat()}}


def enter(world: AdapterHarness, calendar_id: str, at: datetime = NOON, /, **more: object) -> None:
    """What the merchant writes into a calendar by hand."""
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events"
    world.controls.post(address, json={"summary": "Private", **times(at), **more}).raise_for_status()


def between(start: datetime, end: datetime) -> Interval:
    return Interval(start=start, end=end)


NOON_TO_ONE = between(NOON, NOON + HOUR)


@pytest.mark.parametrize(("behaviour", "given"), [("strip", GivenAway.TIMES), ("refuse", GivenAway.NOTHING)])
def test_with_the_least_grant_google_gives_away_bare_times_or_nothing(
    empty_world: AdapterHarness, behaviour: str, given: GivenAway
) -> None:
    empty_world.behave(freebusy_scope_events=behaviour)
    enter(empty_world, EMAIL, **DETAILS)
    assert looks(empty_world).given_away("c-1", EMAIL, NOON) is given


@each_behaviour
def test_without_the_scope_of_push_google_gives_away_nothing(empty_world: AdapterHarness, behaviour: str) -> None:
    empty_world.behave(freebusy_scope_events=behaviour)
    empty_world.connect("c-1", EMAIL, FREEBUSY_ONLY)
    enter(empty_world, EMAIL, **DETAILS)
    assert looks(empty_world).given_away("c-1", EMAIL, NOON) is GivenAway.NOTHING


def test_a_calendar_that_is_empty_shows_that_it_is(empty_world: AdapterHarness) -> None:
    assert looks(empty_world).given_away("c-1", EMAIL, NOON) is GivenAway.NO_EVENTS


def test_a_calendar_that_is_gone_gives_away_nothing(empty_world: AdapterHarness) -> None:
    assert looks(empty_world).given_away("c-1", "gone@group.calendar.google.com", NOON) is GivenAway.NOTHING


@pytest.mark.parametrize("detail", DETAILS)
def test_a_grant_that_shows_any_detail_is_seen(empty_world: AdapterHarness, detail: str) -> None:
    empty_world.connect("c-1", EMAIL, [f"{AUTH}calendar"])
    enter(empty_world, EMAIL, summary="")
    assert looks(empty_world).given_away("c-1", EMAIL, NOON) is GivenAway.TIMES
    enter(empty_world, EMAIL, **{"summary": "", detail: DETAILS[detail]})
    assert looks(empty_world).given_away("c-1", EMAIL, NOON) is GivenAway.DETAILS


@pytest.mark.parametrize("kind", ["backendError", "rateLimitExceeded", "drop"])
def test_a_failure_is_not_taken_for_a_promise_that_was_kept(empty_world: AdapterHarness, kind: str) -> None:
    empty_world.fault("events.list", kind, count=4)
    with pytest.raises((Transient, RateLimited)):
        looks(empty_world).given_away("c-1", EMAIL, NOON)


@each_behaviour
def test_busy_times_are_told_whatever_else_is_given_away(empty_world: AdapterHarness, behaviour: str) -> None:
    empty_world.behave(freebusy_scope_events=behaviour)
    enter(empty_world, EMAIL)
    enter(empty_world, EMAIL, NOON + HOUR / 2, transparency="transparent")
    assert looks(empty_world).busy("c-1", [EMAIL], NOON, NOON + DAY) == {EMAIL: (NOON_TO_ONE,)}


def test_a_free_calendar_is_free_and_not_unknown(empty_world: AdapterHarness) -> None:
    assert looks(empty_world).busy("c-1", [EMAIL], NOON, NOON + DAY) == {EMAIL: ()}


def test_no_calendar_at_all_asks_google_nothing(empty_world: AdapterHarness) -> None:
    empty_world.forget_calls()
    assert looks(empty_world).busy("c-1", [], NOON, NOON + DAY) == {}
    assert empty_world.calls() == {}


def test_an_error_inside_a_good_answer_makes_exactly_that_calendar_unknown(empty_world: AdapterHarness) -> None:
    family, boat = (empty_world.create_calendar_by_hand(summary=name) for name in ("Family", "Boat"))
    for each in (family, boat, EMAIL):
        enter(empty_world, each)
    empty_world.fault("freebusy.query", "freebusy_error", calendar=boat, reason="internalError")
    found = looks(empty_world).busy("c-1", [family, boat, EMAIL], NOON, NOON + DAY)
    assert found == {family: (NOON_TO_ONE,), boat: None, EMAIL: (NOON_TO_ONE,)}


def test_a_calendar_that_google_does_not_know_is_unknown(empty_world: AdapterHarness) -> None:
    assert looks(empty_world).busy("c-1", ["gone@x", EMAIL], NOON, NOON + DAY) == {"gone@x": None, EMAIL: ()}


def test_more_than_fifty_calendars_are_asked_in_as_few_calls_as_google_allows(empty_world: AdapterHarness) -> None:
    many = [empty_world.create_calendar_by_hand(summary=f"Calendar {number}") for number in range(101)]
    for number, each in enumerate(many):
        enter(empty_world, each, NOON + number * HOUR)
    found = looks(empty_world).busy("c-1", many, NOON, NOON + 7 * DAY)
    assert empty_world.calls()["freebusy.query"] == 3
    starts = [NOON + number * HOUR for number in range(101)]
    assert [found[each] for each in many] == [(between(start, start + HOUR),) for start in starts]


def test_busy_times_of_another_account_are_unknown(empty_world: AdapterHarness) -> None:
    empty_world.connect("c-2", "other@example.com", SCOPES)
    enter(empty_world, EMAIL)
    assert looks(empty_world).busy("c-2", [EMAIL], NOON, NOON + DAY) == {EMAIL: None}


def test_without_a_scope_for_them_busy_times_are_refused(empty_world: AdapterHarness) -> None:
    empty_world.connect("c-1", EMAIL, [f"{AUTH}calendar.app.created"])
    with pytest.raises(ScopeMissing):
        looks(empty_world).busy("c-1", [EMAIL], NOON, NOON + DAY)


def test_a_withdrawn_grant_and_an_outage_are_told_apart(empty_world: AdapterHarness) -> None:
    empty_world.fault("freebusy.query", "backendError")
    with pytest.raises(Transient):
        looks(empty_world).busy("c-1", [EMAIL], NOON, NOON + DAY)
    empty_world.revoke()
    with pytest.raises(GrantLost):
        looks(empty_world).busy("c-1", [EMAIL], NOON, NOON + DAY)


def test_events_of_a_calendar_of_ours_are_shown_in_order(world: AdapterHarness) -> None:
    world.put(summary="Sunset tour", start="2026-12-02T15:00:00Z", end="2026-12-02T17:00:00Z")
    enter(world, world.calendar_id, NOON, summary="Painting the boat")
    nights: dict[str, object] = {"start": {"date": "2026-12-03"}, "end": {"date": "2026-12-05"}}
    enter(world, world.calendar_id, summary="Cabin", **nights)
    enter(world, world.calendar_id, NOON + 30 * DAY, summary="Too late")
    second = datetime(2026, 12, 2, 15, tzinfo=UTC)
    assert looks(world).events("c-1", world.calendar_id, NOON, NOON + 7 * DAY) == [
        ShownEvent(title="Painting the boat", start=NOON, end=NOON + HOUR),
        ShownEvent(title="Sunset tour", start=second, end=second + 2 * HOUR),
        ShownEvent(title="Cabin", start=date(2026, 12, 3), end=date(2026, 12, 5)),
    ]


def test_no_title_is_printed_by_accident(world: AdapterHarness) -> None:
    enter(world, world.calendar_id, summary="Kari Nordmann")
    shown = looks(world).events("c-1", world.calendar_id, NOON, NOON + DAY)
    assert [each.title for each in shown] == ["Kari Nordmann"]
    assert "Kari" not in f"{shown} {shown[0]}"
