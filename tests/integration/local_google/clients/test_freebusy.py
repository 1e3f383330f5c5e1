"""The answers of freebusy, and what they do not show."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.google_clients.bodies import DAY, NOON, all_day, timed
from tests.support.google_clients.calendar_client import Busy, CalendarClient, Slot, refused
from tests.support.google_clients.controls import LocalGoogleControls

NOBODY = "nobody@group.calendar.google.com"


def slot(start: datetime, hours: float) -> Slot:
    return start, start + timedelta(hours=hours)


def hour(of_day: int) -> datetime:
    return NOON.replace(hour=of_day)


def test_an_event_is_busy_from_its_start_to_its_end(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(NOON, hours=1.5))
    assert client.busy([calendar_id], *DAY) == {calendar_id: Busy((slot(NOON, 1.5),))}


def test_a_calendar_without_events_is_free(client: CalendarClient, calendar_id: str) -> None:
    assert client.busy([calendar_id], *DAY) == {calendar_id: Busy()}


def test_overlapping_and_touching_events_are_one_busy_time(client: CalendarClient, calendar_id: str) -> None:
    for start, hours in ((9, 2), (10, 2), (12, 1), (15, 1)):
        client.insert_event(calendar_id, timed(hour(start), hours))
    assert client.busy([calendar_id], *DAY) == {calendar_id: Busy((slot(hour(9), 4), slot(hour(15), 1)))}


def test_busy_times_of_two_calendars_are_separate(client: CalendarClient, calendar_id: str) -> None:
    other = client.create_calendar({"summary": "Guide 1"})["id"]
    client.insert_event(calendar_id, timed(hour(9)))
    client.insert_event(other, timed(hour(10)))
    assert client.busy([calendar_id, other], *DAY) == {
        calendar_id: Busy((slot(hour(9), 1),)),
        other: Busy((slot(hour(10), 1),)),
    }


def test_an_unknown_calendar_is_an_error_inside_the_answer(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(NOON))
    assert client.busy([calendar_id, NOBODY], *DAY) == {
        calendar_id: Busy((slot(NOON, 1),)),
        NOBODY: Busy(errors=("notFound",)),
    }


def test_more_than_50_calendars_are_too_many(client: CalendarClient, email: str) -> None:
    others = [f"c{number}@group.calendar.google.com" for number in range(50)]
    busy_times = client.busy([email, *others], *DAY)
    assert "tooManyCalendarsRequested" in {error for busy in busy_times.values() for error in busy.errors}


def test_the_primary_calendar_answers_by_the_name_it_was_asked_by(
    client: CalendarClient, controls: LocalGoogleControls, email: str
) -> None:
    controls.add_event_by_hand(email, email, timed(NOON))
    busy = Busy((slot(NOON, 1),))
    assert client.busy(["primary", email], *DAY) == {"primary": busy, email: busy}


def test_an_all_day_event_is_busy_for_the_days_of_its_calendar(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, all_day(date(2026, 12, 7), nights=2))
    midnight_in_oslo = datetime(2026, 12, 6, 23, tzinfo=UTC)
    week = (midnight_in_oslo - timedelta(days=3), midnight_in_oslo + timedelta(days=4))
    assert client.busy([calendar_id], *week) == {calendar_id: Busy((slot(midnight_in_oslo, 48),))}


def test_the_day_on_which_the_clocks_change_has_23_busy_hours(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, all_day(date(2027, 3, 28)))
    midnight_in_oslo = datetime(2027, 3, 27, 23, tzinfo=UTC)
    week = (midnight_in_oslo - timedelta(days=3), midnight_in_oslo + timedelta(days=4))
    assert client.busy([calendar_id], *week) == {calendar_id: Busy((slot(midnight_in_oslo, 23),))}


def test_what_is_transparent_or_deleted_is_not_busy(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed(hour(9), transparency="transparent"))
    dropped = client.insert_event(calendar_id, timed(hour(12)))
    client.delete_event(calendar_id, dropped["id"])
    assert client.busy([calendar_id], *DAY) == {calendar_id: Busy()}


def test_what_only_touches_the_window_is_outside(client: CalendarClient, calendar_id: str) -> None:
    for start in (9, 11):
        client.insert_event(calendar_id, timed(hour(start)))
    assert client.busy([calendar_id], hour(10), hour(11)) == {calendar_id: Busy()}


def test_60_days_are_answered_and_two_years_are_too_long(client: CalendarClient, calendar_id: str) -> None:
    assert client.busy([calendar_id], NOON, NOON + timedelta(days=60)) == {calendar_id: Busy()}
    with refused(400, "timeRangeTooLong"):
        client.busy([calendar_id], NOON, NOON + timedelta(days=730))


@pytest.mark.parametrize("length", [timedelta(0), timedelta(hours=-1)])
def test_a_window_must_end_after_its_start(client: CalendarClient, calendar_id: str, length: timedelta) -> None:
    with refused(400, "timeRangeEmpty"):
        client.busy([calendar_id], NOON, NOON + length)


@pytest.mark.parametrize(
    ("zone", "start_shown"),
    [(None, "2026-12-07T12:00:00Z"), ("America/New_York", "2026-12-07T07:00:00-05:00")],
    ids=["no zone", "New York"],
)
def test_busy_times_are_answered_in_the_requested_zone(
    client: CalendarClient, calendar_id: str, zone: str | None, start_shown: str
) -> None:
    client.insert_event(calendar_id, timed(NOON))
    start, end = DAY
    window = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "items": [{"id": calendar_id}]}
    answer = client.call("freebusy.query", {}, body=window if zone is None else {**window, "timeZone": zone})
    assert isinstance(answer, dict)
    assert answer["calendars"][calendar_id]["busy"][0]["start"] == start_shown
