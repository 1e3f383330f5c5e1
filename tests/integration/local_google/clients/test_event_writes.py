"""The effect of each kind of write on an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.google_clients.bodies import NOON, all_day, private, starts_at, timed
from tests.support.google_clients.calendar_client import CalendarClient, Refused, refused

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import Event


@pytest.fixture
def event(client: CalendarClient, calendar_id: str) -> Event:
    """An event with every field that the tests check."""
    properties = private(reservation="R-1")
    body = timed(NOON, description="Two persons", location="Pier 3", extendedProperties=properties)
    return client.insert_event(calendar_id, body)


def test_an_update_clears_what_it_omits(client: CalendarClient, calendar_id: str, event: Event) -> None:
    client.update_event(calendar_id, event["id"], timed(NOON, summary="Night tour"))
    found = client.get_event(calendar_id, event["id"])
    assert found["summary"] == "Night tour"
    assert not {"description", "location", "extendedProperties"} & found.keys()


def test_a_patch_keeps_what_it_omits(client: CalendarClient, calendar_id: str, event: Event) -> None:
    client.patch_event(calendar_id, event["id"], {"summary": "Night tour"})
    found = client.get_event(calendar_id, event["id"])
    assert (found["summary"], found["description"], found["location"]) == ("Night tour", "Two persons", "Pier 3")
    assert starts_at(found) == NOON


def test_an_update_can_make_a_timed_event_last_all_day(client: CalendarClient, calendar_id: str, event: Event) -> None:
    client.update_event(calendar_id, event["id"], all_day(NOON.date()))
    found = client.get_event(calendar_id, event["id"])
    assert (found["start"], found["end"]) == ({"date": "2026-12-07"}, {"date": "2026-12-08"})


def test_a_patch_makes_a_timed_event_last_all_day_once_it_removes_the_times(
    client: CalendarClient, calendar_id: str, event: Event
) -> None:
    days = all_day(NOON.date())
    gone = {"dateTime": None, "timeZone": None}
    client.call(
        "events.patch",
        {"calendarId": calendar_id, "eventId": event["id"]},
        body={"start": {**days["start"], **gone}, "end": {**days["end"], **gone}},
    )
    assert client.get_event(calendar_id, event["id"])["start"] == {"date": "2026-12-07"}


def test_an_event_is_never_both_timed_and_all_day(client: CalendarClient, calendar_id: str, event: Event) -> None:
    with pytest.raises(Refused) as caught:
        client.patch_event(calendar_id, event["id"], all_day(NOON.date()))
    assert caught.value.status == 400
    assert starts_at(client.get_event(calendar_id, event["id"])) == NOON


def test_a_patch_merges_properties(client: CalendarClient, calendar_id: str, event: Event) -> None:
    client.patch_event(calendar_id, event["id"], {"extendedProperties": private(version="2")})
    found = client.get_event(calendar_id, event["id"])
    assert found["extendedProperties"] == private(reservation="R-1", version="2")


def test_a_null_in_a_patch_removes(client: CalendarClient, calendar_id: str, event: Event) -> None:
    client.patch_event(calendar_id, event["id"], {"location": None})
    found = client.get_event(calendar_id, event["id"])
    assert "location" not in found
    assert found["description"] == "Two persons"


def test_a_patch_replaces_arrays_whole(client: CalendarClient, calendar_id: str) -> None:
    guests = [{"email": "ann@example.org"}, {"email": "bo@example.org"}]
    made = client.insert_event(calendar_id, timed(attendees=guests))
    client.patch_event(calendar_id, made["id"], {"attendees": [{"email": "cy@example.org"}]})
    found = client.get_event(calendar_id, made["id"])
    assert [guest["email"] for guest in found["attendees"]] == ["cy@example.org"]


def test_a_key_of_more_than_44_characters_is_dropped_and_a_value_cut_at_1024(
    client: CalendarClient, calendar_id: str
) -> None:
    properties = private(**{"k" * 44: "kept", "k" * 45: "dropped", "long": "v" * 1025})
    made = client.insert_event(calendar_id, timed(extendedProperties=properties))
    found = client.get_event(calendar_id, made["id"])
    assert found["extendedProperties"] == private(**{"k" * 44: "kept", "long": "v" * 1024})


def test_every_write_changes_the_etag(client: CalendarClient, calendar_id: str, event: Event) -> None:
    patched = client.patch_event(calendar_id, event["id"], {"summary": "Night tour"})
    updated = client.update_event(calendar_id, event["id"], timed())
    assert len({event["etag"], patched["etag"], updated["etag"]}) == 3
    assert client.get_event(calendar_id, event["id"])["etag"] == updated["etag"]


def test_a_write_with_the_present_etag_is_done(client: CalendarClient, calendar_id: str, event: Event) -> None:
    patched = client.patch_event(calendar_id, event["id"], {"summary": "Night tour"}, if_match=event["etag"])
    updated = client.update_event(calendar_id, event["id"], timed(summary="Day tour"), if_match=patched["etag"])
    client.delete_event(calendar_id, event["id"], if_match=updated["etag"])
    assert client.get_event(calendar_id, event["id"])["status"] == "cancelled"


WRITES: dict[str, Callable[[CalendarClient, str, str, str], object]] = {
    "update": lambda client, calendar, event, etag: client.update_event(calendar, event, timed(), if_match=etag),
    "patch": lambda client, calendar, event, etag: client.patch_event(calendar, event, timed(), if_match=etag),
    "delete": lambda client, calendar, event, etag: client.delete_event(calendar, event, if_match=etag),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_with_an_old_etag_is_refused_and_changes_nothing(
    client: CalendarClient,
    calendar_id: str,
    event: Event,
    write: Callable[[CalendarClient, str, str, str], object],
) -> None:
    patched = client.patch_event(calendar_id, event["id"], {"summary": "Night tour"})
    with refused(412, "conditionNotMet"):
        write(client, calendar_id, event["id"], event["etag"])
    assert client.get_event(calendar_id, event["id"])["etag"] == patched["etag"]


def test_an_event_that_is_imported_twice_is_one_event(client: CalendarClient, calendar_id: str) -> None:
    first = client.import_event(calendar_id, timed(iCalUID="R-1@booking.example"))
    second = client.import_event(calendar_id, timed(iCalUID="R-1@booking.example", summary="Night tour"))
    assert first["id"] == second["id"]
    assert [event["summary"] for event in client.events(calendar_id)] == ["Night tour"]


def test_an_imported_event_keeps_its_icaluid(client: CalendarClient, calendar_id: str) -> None:
    made = client.import_event(calendar_id, timed(iCalUID="R-1@booking.example"))
    assert client.get_event(calendar_id, made["id"])["iCalUID"] == "R-1@booking.example"


def test_an_import_needs_an_icaluid(client: CalendarClient, calendar_id: str) -> None:
    with refused(400, "required"):
        client.import_event(calendar_id, timed())
