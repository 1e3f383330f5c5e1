"""The body of a desired event for Google, and its comparison with an existing event."""

from datetime import UTC, date, datetime, timedelta

import pytest

from slotsync.domain.reservations.event import EventStatus
from slotsync.errors import BadRequest
from slotsync.google.events.body import keep_additions, to_google
from slotsync.google.events.decision import find_differences
from tests.support.desired_events import desired_event, shown_event

SUMMER = datetime(2026, 7, 1, 15, tzinfo=UTC)


def test_a_timed_event_carries_its_offset_and_its_zone() -> None:
    desired = desired_event(start=SUMMER, end=SUMMER + timedelta(hours=2), time_zone="Europe/Oslo")
    body = to_google(desired)
    assert body["start"] == {"dateTime": "2026-07-01T17:00:00+02:00", "timeZone": "Europe/Oslo"}
    assert body["end"] == {"dateTime": "2026-07-01T19:00:00+02:00", "timeZone": "Europe/Oslo"}


def test_a_zone_with_an_offset_of_seconds_is_written_in_utc() -> None:
    long_ago = datetime(1971, 7, 1, 15, tzinfo=UTC)
    body = to_google(desired_event(start=long_ago, end=long_ago + timedelta(hours=2), time_zone="Africa/Monrovia"))
    assert body["start"] == {"dateTime": "1971-07-01T15:00:00+00:00", "timeZone": "Africa/Monrovia"}


def test_both_halves_of_a_repeated_hour_stay_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    desired = desired_event(start=first, end=first + timedelta(hours=1), time_zone="Europe/Oslo")
    body = to_google(desired)
    assert body["start"]["dateTime"] == "2026-10-25T02:30:00+02:00"
    assert body["end"]["dateTime"] == "2026-10-25T02:30:00+01:00"


def test_nights_are_dates_without_a_zone() -> None:
    body = to_google(desired_event(start=date(2026, 7, 1), end=date(2026, 7, 4)))
    assert body["start"] == {"date": "2026-07-01"}
    assert body["end"] == {"date": "2026-07-04"}


def test_events_have_no_attendees_and_keep_the_calendars_reminders() -> None:
    assert not {"attendees", "reminders"} & set(to_google(desired_event()))


def test_the_status_is_written_with_every_body() -> None:
    assert to_google(desired_event())["status"] == "confirmed"
    assert to_google(desired_event(status=EventStatus.TENTATIVE))["status"] == "tentative"


def test_the_link_back_shows_no_guest() -> None:
    source = to_google(desired_event(url="https://example.com/r/1", summary="Kari Nordmann"))["source"]
    assert source == {"url": "https://example.com/r/1", "title": "Reservation R-1042"}


def test_a_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(BadRequest, match="Middle/Earth"):
        to_google(desired_event(time_zone="Middle/Earth"))


def test_an_event_as_google_shows_it_does_not_differ() -> None:
    desired = desired_event(description="Two persons", url="https://example.com/r/1")
    assert find_differences(shown_event(desired), desired) == []


def test_times_are_compared_as_instants() -> None:
    desired = desired_event(start=SUMMER, end=SUMMER + timedelta(hours=2), time_zone="Europe/Oslo")
    rendered = shown_event(
        desired, start={"dateTime": "2026-07-01T15:00:00Z"}, end={"dateTime": "2026-07-01T13:00:00-04:00"}
    )
    assert find_differences(rendered, desired) == []


def test_line_ends_and_outer_blanks_are_no_difference() -> None:
    desired = desired_event(summary="Tour ", description="one\ntwo\n")
    assert find_differences(shown_event(desired, summary="Tour", description="one\r\ntwo"), desired) == []


DAMAGES: list[tuple[str, dict[str, object]]] = [
    ("summary", {"summary": "Something else"}),
    ("description", {"description": "Added by hand"}),
    ("start", {"start": {"dateTime": "2026-07-01T14:59:00Z"}}),
    ("start", {"start": {"date": "2026-07-01"}}),
    ("end", {"end": {"dateTime": "2026-07-01T17:01:00Z"}}),
    ("status", {"status": "tentative"}),
    ("status", {"status": "cancelled"}),
    ("transparency", {"transparency": "transparent"}),
    ("source", {"source": {"url": "https://example.com/other"}}),
    ("mark", {"extendedProperties": {}}),
    ("mark", {"extendedProperties": {"private": {"slotsync": "2", "slotsyncVersion": "three"}}}),
]


@pytest.mark.parametrize(("field", "change"), DAMAGES)
def test_a_change_by_hand_is_named(field: str, change: dict[str, object]) -> None:
    ours = desired_event(start=SUMMER, end=SUMMER + timedelta(hours=2))
    more = {"description": "Two persons", "url": "https://example.com/r/1"}
    desired = ours.model_copy(update={"content": ours.content.model_copy(update=more)})
    assert find_differences(shown_event(desired, **change), desired) == [field]


@pytest.mark.parametrize("theirs", [{"description": "Mine"}, {"source": {"url": "https://example.com/other"}}])
def test_what_others_write_where_we_write_nothing_is_no_difference(theirs: dict[str, object]) -> None:
    desired = desired_event()
    assert find_differences(shown_event(desired, **theirs), desired) == []
    ours = desired_event(description="Two persons", url="https://example.com/r/1")
    assert find_differences(shown_event(desired, **theirs), ours) == ["description", "source", "mark"]


def test_an_older_version_differs_in_its_mark_alone() -> None:
    assert find_differences(shown_event(desired_event(version=1)), desired_event(version=2)) == ["mark"]


def test_moved_nights_differ() -> None:
    desired = desired_event(start=date(2026, 7, 1), end=date(2026, 7, 4))
    moved = desired_event(start=date(2026, 7, 1), end=date(2026, 7, 5))
    assert find_differences(shown_event(moved), desired) == ["end", "mark"]


@pytest.mark.parametrize("line_break", ["\n", "<br>", "\r\n"])
def test_notes_below_ours_are_no_difference_and_stay_while_the_content_does(line_break: str) -> None:
    desired = desired_event(description="Two persons\nAnna", url="https://example.com/r/1")
    noted = line_break.join(("Two persons", "Anna", "Bring a towel"))
    event = shown_event(desired, description=noted, summary="Mine")
    assert find_differences(event, desired) == ["summary"]
    assert keep_additions(to_google(desired), event)["description"] == noted
    shorter = desired_event(version=2, description="Two persons", url="https://example.com/r/1")
    assert "description" in find_differences(event, shorter)
    assert keep_additions(to_google(shorter), event)["description"] == "Two persons"


def test_a_text_that_only_begins_like_ours_is_a_change() -> None:
    desired = desired_event(description="Two persons", url="https://example.com/r/1")
    assert find_differences(shown_event(desired, description="Two persons less"), desired) == ["description"]
