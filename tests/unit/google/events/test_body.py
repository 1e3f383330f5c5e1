"""The body of a desired event for Google, and its comparison with an existing event."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from slotsync.domain.reservations.event import DesiredEvent, EventStatus
from slotsync.errors import BadRequest
from slotsync.google.events.body import Mark, keep_additions, to_google
from slotsync.google.events.decision import Update, decide, find_differences
from tests.support.desired_events import desired_event

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

SUMMER = datetime(2026, 7, 1, 15, tzinfo=UTC)


def existing(desired: DesiredEvent, **changes: object) -> "Event":
    """Return the event as Google shows it: in UTC, with milliseconds, and without default values."""
    event: Event = {**to_google(desired), "etag": '"1"', "id": "x", "htmlLink": "https://calendar.google.com/e"}
    del event["transparency"]
    event["iCalUID"] = "x@google.com"
    event.update(changes)  # type: ignore[typeddict-item]  # the changes are what the tests are about
    return event


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


def test_the_mark_names_the_event_and_its_version() -> None:
    desired = desired_event(version=7)
    marked = to_google(desired)["extendedProperties"]["private"]
    assert marked == {
        "slotsync": "2",
        "reservation": "R-1042",
        "slotsyncMerchant": "arctic-kayaks",
        "slotsyncReservation": "R-1042",
        "slotsyncItem": "1",
        "slotsyncOwner": "product:sunset-tour",
        "slotsyncVersion": "7",
        "slotsyncFingerprint": desired.fingerprint,
    }


def in_first_format(desired: DesiredEvent) -> "Event":
    """Return the event as slotsync wrote it before its marks had names of their own."""
    marked = existing(desired)["extendedProperties"]["private"]
    fields = ("merchant", "reservation", "item", "owner", "version", "fingerprint")
    first = {"slotsync": "1", **{name: marked[f"slotsync{name.capitalize()}"] for name in fields}}
    return existing(desired, extendedProperties={"private": first})


def test_a_mark_of_the_first_format_is_understood_and_replaced_by_the_next_write() -> None:
    before, desired = in_first_format(desired_event(version=7)), desired_event(version=8)
    assert Mark.from_event(before) == Mark.from_desired(desired_event(version=7))
    assert find_differences(before, desired_event(version=7)) == []
    assert keep_additions(to_google(desired), before)["extendedProperties"] == to_google(desired)["extendedProperties"]


@pytest.mark.parametrize("name", ["merchant", "item", "owner"])
def test_a_property_of_another_program_hides_no_event_with_a_mark_of_the_first_format(name: str) -> None:
    before, desired = in_first_format(desired_event(version=7)), desired_event(version=8)
    before["extendedProperties"]["private"][name] = "theirs"
    mark = Mark.from_event(before)
    assert mark
    assert mark.matches(desired.merchant, desired.reservation, desired.key)
    assert decide(before, desired) == Update(before["etag"])


@pytest.mark.parametrize("name", ["merchant", "item", "owner", "version", "fingerprint", "slot", "slotsyncish"])
def test_a_property_of_another_program_is_kept_whatever_its_name(name: str) -> None:
    event = existing(desired_event(version=7))
    event["extendedProperties"]["private"][name] = "20301231"
    assert Mark.from_event(event) == Mark.from_desired(desired_event(version=7))
    kept = keep_additions(to_google(desired_event(version=8)), event)
    assert kept["extendedProperties"]["private"][name] == "20301231"
    assert find_differences(kept, desired_event(version=8)) == []


def test_the_mark_fits_into_googles_limits() -> None:
    marked = to_google(desired_event(reservation="r" * 128, item="i" * 128))["extendedProperties"]["private"]
    assert marked
    assert all(len(key) <= 44 and len(value) <= 1024 for key, value in marked.items())


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
    assert find_differences(existing(desired), desired) == []


def test_times_are_compared_as_instants() -> None:
    desired = desired_event(start=SUMMER, end=SUMMER + timedelta(hours=2), time_zone="Europe/Oslo")
    rendered = existing(
        desired, start={"dateTime": "2026-07-01T15:00:00Z"}, end={"dateTime": "2026-07-01T13:00:00-04:00"}
    )
    assert find_differences(rendered, desired) == []


def test_line_ends_and_outer_blanks_are_no_difference() -> None:
    desired = desired_event(summary="Tour ", description="one\ntwo\n")
    assert find_differences(existing(desired, summary="Tour", description="one\r\ntwo"), desired) == []


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
    desired = desired_event(start=SUMMER, end=SUMMER + timedelta(hours=2))
    assert find_differences(existing(desired, **change), desired) == [field]


def test_an_older_version_differs_in_its_mark_alone() -> None:
    assert find_differences(existing(desired_event(version=1)), desired_event(version=2)) == ["mark"]


def test_moved_nights_differ() -> None:
    desired = desired_event(start=date(2026, 7, 1), end=date(2026, 7, 4))
    moved = desired_event(start=date(2026, 7, 1), end=date(2026, 7, 5))
    assert find_differences(existing(moved), desired) == ["end", "mark"]
