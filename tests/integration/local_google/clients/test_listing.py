"""Lists of events: pages, windows, properties."""

from datetime import timedelta

from tests.support.google_clients.bodies import NOON, private, timed
from tests.support.google_clients.calendar_client import CalendarClient
from tests.support.google_clients.recording import Recorder


def test_300_events_come_in_pages_and_none_twice(client: CalendarClient, calendar_id: str, recorder: Recorder) -> None:
    made = {client.insert_event(calendar_id, timed(NOON + timedelta(hours=hour)))["id"] for hour in range(300)}
    listed = [event["id"] for event in client.events(calendar_id)]
    assert len(listed) == 300
    assert set(listed) == made
    assert len(recorder.calls("GET", "/events")) == 2
    assert len(client.events(calendar_id, maxResults=100)) == 300
    assert len(recorder.calls("GET", "/events")) == 5


def test_a_page_leads_to_the_next_one_or_to_a_sync_token(client: CalendarClient, calendar_id: str) -> None:
    for _ in range(3):
        client.insert_event(calendar_id, timed())
    first = client.events_page(calendar_id, maxResults=2)
    assert len(first["items"]) == 2
    assert "nextSyncToken" not in first
    last = client.events_page(calendar_id, maxResults=2, pageToken=first["nextPageToken"])
    assert len(last["items"]) == 1
    assert "nextPageToken" not in last
    assert last["nextSyncToken"]


def test_a_list_names_its_calendar(client: CalendarClient, calendar_id: str) -> None:
    page = client.events_page(calendar_id)
    assert (page["kind"], page["summary"], page["timeZone"]) == ("calendar#events", "Sunset tour", "Europe/Oslo")
    assert page["accessRole"] == "owner"
    assert page["items"] == []


def test_deleted_events_are_shown_on_request_only(client: CalendarClient, calendar_id: str) -> None:
    kept, dropped = (client.insert_event(calendar_id, timed())["id"] for _ in range(2))
    client.delete_event(calendar_id, dropped)
    assert [event["id"] for event in client.events(calendar_id)] == [kept]
    shown = {event["id"]: event["status"] for event in client.events(calendar_id, showDeleted=True)}
    assert shown == {kept: "confirmed", dropped: "cancelled"}


def test_events_are_found_by_a_private_property(client: CalendarClient, calendar_id: str) -> None:
    for reservation in ("R-1", "R-2"):
        client.insert_event(
            calendar_id, timed(summary=reservation, extendedProperties=private(reservation=reservation))
        )
    client.insert_event(calendar_id, timed(summary="No property"))
    found = client.events(calendar_id, privateExtendedProperty="reservation=R-2")
    assert [event["summary"] for event in found] == ["R-2"]
    assert client.events(calendar_id, privateExtendedProperty="reservation=R-3") == []


def test_a_window_holds_what_touches_it(client: CalendarClient, calendar_id: str) -> None:
    for hour in range(-2, 3):
        client.insert_event(calendar_id, timed(NOON + timedelta(hours=hour), summary=f"{hour:+}"))
    window = {"timeMin": NOON.isoformat(), "timeMax": (NOON + timedelta(minutes=90)).isoformat()}
    # It ends where the window starts: -1 touches only the border, and is out; +1 reaches beyond the end, and is in.
    assert sorted(event["summary"] for event in client.events(calendar_id, **window)) == ["+0", "+1"]


def test_events_can_be_listed_by_their_start(client: CalendarClient, calendar_id: str) -> None:
    for hour in (3, 1, 2):
        client.insert_event(calendar_id, timed(NOON + timedelta(hours=hour), summary=str(hour)))
    found = client.events(calendar_id, singleEvents=True, orderBy="startTime")
    assert [event["summary"] for event in found] == ["1", "2", "3"]


def test_a_question_too_long_for_a_url_is_answered(client: CalendarClient, calendar_id: str) -> None:
    value = "å" * 800
    client.insert_event(calendar_id, timed(summary="Long", extendedProperties=private(place=value)))
    client.insert_event(calendar_id, timed(summary="Short", extendedProperties=private(place="å")))
    found = client.events(calendar_id, privateExtendedProperty=f"place={value}")
    assert [event["summary"] for event in found] == ["Long"]
