"""The stored fields of an event, and their form in answers."""

from datetime import timedelta

import httpx
import pytest

from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA, ApiClient, reason, timed

DAY = {"summary": "Night", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}


def insert(calendar_api: ApiClient, calendar_path: str, **body: object) -> dict[str, object]:
    response = calendar_api.post(f"{calendar_path}/events", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_an_answer_has_googles_shape(calendar_api: ApiClient, calendar_path: str, clock: SettableClock) -> None:
    event = insert(calendar_api, calendar_path, **timed(id="abcde"))
    calendar_id = calendar_path.removeprefix("/calendars/")
    created = clock.now.strftime("%Y-%m-%dT%H:%M:%S")
    assert event.pop("htmlLink")
    assert event.pop("etag")
    assert str(event.pop("updated")).startswith(created + ".")
    assert event == {
        "kind": "calendar#event",
        "id": "abcde",
        "status": "confirmed",
        "created": created + "Z",
        "summary": "Tour",
        "creator": {"email": ANNA},
        "organizer": {"email": calendar_id, "displayName": "Sunset tour", "self": True},
        "start": {"dateTime": "2026-12-01T11:00:00+01:00", "timeZone": "Europe/Oslo"},
        "end": {"dateTime": "2026-12-01T12:00:00+01:00", "timeZone": "Europe/Oslo"},
        "iCalUID": "abcde@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }


def test_defaults_and_nulls_are_left_out(calendar_api: ApiClient, calendar_path: str) -> None:
    body = timed(transparency="opaque", visibility="default", location=None, description="", guestsCanModify=False)
    event = insert(calendar_api, calendar_path, **body)
    assert not {"transparency", "visibility", "location", "description", "guestsCanModify"} & event.keys()


def test_times_are_answered_in_the_calendars_zone_or_in_the_one_asked_for(
    calendar_api: ApiClient, calendar_path: str
) -> None:
    event = insert(calendar_api, calendar_path, **timed("2026-07-01T10:00:00-04:00", "2026-07-01T11:00:00-04:00"))
    assert event["start"] == {"dateTime": "2026-07-01T16:00:00+02:00", "timeZone": "Europe/Oslo"}
    elsewhere = calendar_api.get(
        f"{calendar_path}/events/{event['id']}", params={"timeZone": "America/New_York"}
    ).json()
    assert elsewhere["start"]["dateTime"] == "2026-07-01T10:00:00-04:00"


def test_a_time_without_offset_is_of_the_zone_named(calendar_api: ApiClient, calendar_path: str) -> None:
    start = {"dateTime": "2026-07-01T10:00:00", "timeZone": "Asia/Tokyo"}
    event = insert(calendar_api, calendar_path, start=start, end={"dateTime": "2026-07-01T03:00:00Z"})
    assert event["start"] == {"dateTime": "2026-07-01T03:00:00+02:00", "timeZone": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("body", "why", "message"),
    [
        ({}, "required", "Missing end time."),
        ({"end": {"date": "2026-12-02"}}, "required", "Missing start time."),
        (timed("2026-12-01T10:00:00"), "required", "Missing time zone definition for start time."),
        (timed("2026-12-01T12:00:00Z"), "timeRangeEmpty", "The specified time range is empty."),
        (DAY | {"end": {"date": "2026-12-01"}}, "timeRangeEmpty", "The specified time range is empty."),
        (timed("tomorrow"), "invalid", "Invalid start time."),
        (timed() | {"start": {"date": "2026-12-01", "dateTime": "2026-12-01T10:00:00Z"}}, "invalid",
         "Invalid start time."),
        (timed() | {"end": {"dateTime": "2026-12-01T11:00:00Z", "timeZone": "Mars/Base"}}, "invalid",
         "Invalid time zone definition for end time."),
        (timed() | {"start": {"date": "2026-12-01"}}, "invalid",
         "The start and end times must either both be date or both be dateTime."),
        (timed(status="maybe"), "invalid", "Invalid value for: status"),
        (timed(attendees=[{"displayName": "Nobody"}]), "required", "Missing attendee email."),
        (timed(summary=7), "invalid", "Invalid value for: summary"),
        (timed(attendees="all"), "invalid", "Invalid value for: attendees"),
        (timed(source={"url": "ftp://x"}), "invalid", "Invalid source URL."),
        (timed(reminders={"overrides": [{"method": "fax", "minutes": 5}]}), "invalid", "Invalid value for: reminders"),
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_refused_in_googles_words(
    calendar_api: ApiClient, calendar_path: str, body: dict[str, object], why: str, message: str
) -> None:
    response = calendar_api.post(f"{calendar_path}/events", json=body)
    assert reason(response) == (400, why)
    assert response.json()["error"]["message"] == message


def test_a_body_that_is_no_json_is_a_parse_error(calendar_api: ApiClient, calendar_path: str) -> None:
    assert reason(calendar_api.post(f"{calendar_path}/events", content=b"{nope")) == (400, "parseError")


def test_put_clears_what_it_omits_and_patch_does_not(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed(location="Pier", description="Bring gloves", colorId="3"))
    path = f"{calendar_path}/events/{event['id']}"
    patched = calendar_api.patch(path, json={"description": None, "location": "Harbour"}).json()
    assert (patched["location"], patched["summary"], "description" in patched) == ("Harbour", "Tour", False)
    put = calendar_api.put(path, json=timed(summary="Bare")).json()
    assert (put["summary"], put["created"]) == ("Bare", event["created"])
    assert not {"location", "colorId"} & put.keys()


def test_patch_merges_objects_and_replaces_lists(calendar_api: ApiClient, calendar_path: str) -> None:
    guests = [{"email": "a@x.y"}, {"email": "b@x.y"}]
    properties = {"private": {"a": "1", "b": "2"}, "shared": {"c": "3"}}
    event = insert(calendar_api, calendar_path, **timed(attendees=guests, extendedProperties=properties))
    change = {"attendees": [{"email": "c@x.y"}], "extendedProperties": {"private": {"b": None, "d": "4"}}}
    patched = calendar_api.patch(f"{calendar_path}/events/{event['id']}", json=change).json()
    assert patched["attendees"] == [{"email": "c@x.y", "responseStatus": "needsAction"}]
    assert patched["extendedProperties"] == {"private": {"a": "1", "d": "4"}, "shared": {"c": "3"}}


def test_etags_are_twice_the_microseconds_and_never_repeat(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed())
    etags = [
        event["etag"],
        *(calendar_api.patch(f"{calendar_path}/events/{event['id']}", json={}).json()["etag"] for _ in range(5)),
    ]
    numbers = [int(str(etag).strip('"')) for etag in etags]
    assert numbers == sorted(set(numbers))
    assert all(number % 2 == 0 for number in numbers)


def test_a_write_on_an_old_version_is_refused(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed())
    path, old = f"{calendar_path}/events/{event['id']}", {"If-Match": str(event["etag"])}
    assert calendar_api.patch(path, json={"summary": "New"}, headers=old).status_code == 200
    refused: list[httpx.Response] = [
        calendar_api.patch(path, json={"summary": "Newer"}, headers=old),
        calendar_api.put(path, json=timed(), headers=old),
        calendar_api.delete(path, headers=old),
    ]
    assert [reason(response) for response in refused] == [(412, "conditionNotMet")] * 3
    assert calendar_api.get(path).json()["summary"] == "New"
    assert calendar_api.patch(path, json={}, headers={"If-Match": "*"}).status_code == 200


def test_what_is_known_is_not_sent_again(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed())
    response = calendar_api.get(f"{calendar_path}/events/{event['id']}", headers={"If-None-Match": str(event["etag"])})
    assert (response.status_code, response.content) == (304, b"")


def test_the_sequence_grows_with_time_and_place_alone(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed())
    path = f"{calendar_path}/events/{event['id']}"
    assert calendar_api.patch(path, json={"summary": "Renamed"}).json()["sequence"] == 0
    assert calendar_api.patch(path, json={"location": "Pier"}).json()["sequence"] == 1
    assert calendar_api.patch(path, json={"end": {"dateTime": "2026-12-01T13:00:00Z"}}).json()["sequence"] == 2
    assert calendar_api.patch(path, json={"sequence": 7}).json()["sequence"] == 7
    low = calendar_api.patch(path, json={"sequence": 6})
    assert low.status_code == 400
    assert low.json()["error"]["message"].startswith("Invalid sequence value.")


def test_long_property_keys_are_dropped_and_long_values_cut(calendar_api: ApiClient, calendar_path: str) -> None:
    private = {"k" * 44: "v" * 1025, "k" * 45: "gone"}
    event = calendar_api.post(f"{calendar_path}/events", json=timed(extendedProperties={"private": private})).json()
    assert event["extendedProperties"] == {"private": {"k" * 44: "v" * 1024}}


@pytest.mark.parametrize("private", [{str(i): "" for i in range(301)}, {str(i): "v" * 1024 for i in range(32)}])
def test_too_many_properties_are_refused(calendar_api: ApiClient, calendar_path: str, private: dict[str, str]) -> None:
    response = calendar_api.post(f"{calendar_path}/events", json=timed(extendedProperties={"private": private}))
    assert reason(response) == (400, "invalid")


def test_all_day_events_move_to_times_only_with_the_date_taken_away(
    calendar_api: ApiClient, calendar_path: str
) -> None:
    event = insert(calendar_api, calendar_path, **DAY)
    assert (event["start"], event["end"]) == ({"date": "2026-12-01"}, {"date": "2026-12-02"})
    path = f"{calendar_path}/events/{event['id']}"
    assert reason(calendar_api.patch(path, json=timed())) == (400, "invalid")
    taken_away = {
        name: {"date": None, "dateTime": f"2026-12-01T1{i}:00:00Z"} for i, name in enumerate(("start", "end"))
    }
    assert calendar_api.patch(path, json=taken_away).json()["start"]["dateTime"] == "2026-12-01T11:00:00+01:00"


def test_the_clock_of_updated_never_goes_back(
    calendar_api: ApiClient, calendar_path: str, clock: SettableClock
) -> None:
    first = insert(calendar_api, calendar_path, **timed())
    clock.advance(timedelta(hours=-1))
    second = insert(calendar_api, calendar_path, **timed())
    clock.advance(timedelta(hours=1))
    assert str(second["updated"]) >= str(first["updated"])


def test_an_event_is_moved_with_its_id(calendar_api: ApiClient, calendar_path: str) -> None:
    event = insert(calendar_api, calendar_path, **timed())
    moved = calendar_api.post(f"{calendar_path}/events/{event['id']}/move", params={"destination": "primary"}).json()
    assert (moved["id"], moved["organizer"]) == (event["id"], {"email": ANNA, "self": True})
    assert calendar_api.get(f"{calendar_path}/events/{event['id']}").json()["status"] == "cancelled"
    assert reason(calendar_api.post(f"{calendar_path}/events/{event['id']}/move")) == (400, "required")
