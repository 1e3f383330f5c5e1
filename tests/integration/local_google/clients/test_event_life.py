"""Creation, changes and deletion of events, timed and all-day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.google_clients.bodies import NOON, all_day, starts_at, timed
from tests.support.google_clients.calendar_client import CalendarClient, refused
from tests.support.google_clients.connecting import KINDS

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import Event


def test_a_timed_event_can_be_read_back(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed(NOON, description="Two persons", location="Pier 3"))
    found = client.get_event(calendar_id, made["id"])
    assert (found["summary"], found["description"], found["location"]) == ("Sunset tour", "Two persons", "Pier 3")
    assert starts_at(found) == NOON
    assert found["status"] == "confirmed"


def test_times_are_answered_in_the_zone_of_the_calendar(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed(NOON))
    assert made["start"]["dateTime"] == "2026-12-07T13:00:00+01:00"
    assert made["end"]["dateTime"] == "2026-12-07T14:00:00+01:00"


def test_a_time_without_offset_is_meant_in_the_zone_beside_it(client: CalendarClient, calendar_id: str) -> None:
    zone = "America/New_York"
    made = client.insert_event(
        calendar_id,
        {
            "summary": "Sunset tour",
            "start": {"dateTime": "2026-12-07T12:00:00", "timeZone": zone},
            "end": {"dateTime": "2026-12-07T13:00:00", "timeZone": zone},
        },
    )
    assert starts_at(made) == datetime(2026, 12, 7, 17, tzinfo=UTC)


def test_an_all_day_event_keeps_its_dates(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, all_day(date(2026, 12, 24), nights=3))
    found = client.get_event(calendar_id, made["id"])
    assert (found["start"]["date"], found["end"]["date"]) == ("2026-12-24", "2026-12-27")
    assert "dateTime" not in found["start"]


def test_google_fills_in_what_an_event_is(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed())
    assert made["kind"] == "calendar#event"
    assert made["eventType"] == "default"
    assert made["iCalUID"] == f"{made['id']}@google.com"
    assert made["sequence"] == 0
    assert made["htmlLink"].startswith("http")
    assert "transparency" not in made


def test_a_moved_event_is_at_its_new_time_only(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed(NOON))
    later = NOON + timedelta(days=1)
    client.update_event(calendar_id, made["id"], timed(later))
    assert [starts_at(event) for event in client.events(calendar_id)] == [later]


def test_a_moved_event_has_a_higher_sequence(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed(NOON))
    moved = client.patch_event(calendar_id, made["id"], timed(NOON + timedelta(days=1)))
    assert moved["sequence"] > made["sequence"]


def test_a_deleted_event_is_cancelled_and_no_longer_listed(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed())
    client.delete_event(calendar_id, made["id"])
    assert client.get_event(calendar_id, made["id"])["status"] == "cancelled"
    assert client.events(calendar_id) == []


def test_to_set_the_status_to_cancelled_is_to_delete(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed())
    assert client.patch_event(calendar_id, made["id"], {"status": "cancelled"})["status"] == "cancelled"
    with refused(410, "deleted"):
        client.delete_event(calendar_id, made["id"])


def test_a_patch_without_status_leaves_a_deleted_event_deleted(client: CalendarClient, calendar_id: str) -> None:
    made = client.insert_event(calendar_id, timed())
    client.delete_event(calendar_id, made["id"])
    assert client.patch_event(calendar_id, made["id"], {"summary": "Back?"})["status"] == "cancelled"
    assert client.events(calendar_id) == []


@pytest.mark.parametrize("hours", [0, -1])
def test_an_event_ends_after_it_starts(client: CalendarClient, calendar_id: str, hours: int) -> None:
    with refused(400, "timeRangeEmpty"):
        client.insert_event(calendar_id, timed(NOON, hours=hours))
    assert client.events(calendar_id) == []


# gcsa cannot say these: its Event gives itself the times that are missing.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gcsa"], indirect=True)
@pytest.mark.parametrize(
    "body",
    [
        {"start": timed()["start"]},
        {"end": timed()["end"]},
        {"start": {"dateTime": "2026-12-07T12:00:00"}, "end": {"dateTime": "2026-12-07T13:00:00Z"}},
    ],
    ids=["no end", "no start", "no zone"],
)
def test_an_event_needs_both_its_times(client: CalendarClient, calendar_id: str, body: Event) -> None:
    with refused(400, "required"):
        client.insert_event(calendar_id, body)


def test_an_event_in_a_calendar_that_never_was_is_not_found(client: CalendarClient) -> None:
    with refused(404, "notFound"):
        client.insert_event("nobody@group.calendar.google.com", timed())
