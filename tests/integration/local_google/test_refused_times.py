"""Times that Google refuses: events without a duration, and time zones that it does not know."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason, timed

NOON = "2026-12-01T12:00:00Z"
QUERY = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "items": [{"id": "primary"}]}


def in_zone(name: str) -> dict[str, object]:
    start, end = ({"dateTime": f"2026-12-01T{hour}:00:00", "timeZone": name} for hour in (12, 13))
    return {"start": start, "end": end}


@pytest.mark.parametrize(("start", "end"), [(NOON, NOON), ("2026-12-01T12:00:00.200Z", "2026-12-01T12:00:00.900Z")])
def test_an_event_without_a_duration_is_refused_at_each_write(
    calendar_api: ApiClient, calendar_path: str, start: str, end: str
) -> None:
    path = f"{calendar_path}/events"
    calendar_api.post(path, json=timed(id="abcde"))
    answers = [
        calendar_api.post(path, json=timed(start, end)),
        calendar_api.post(f"{path}/import", json=timed(start, end, iCalUID="uid")),
        calendar_api.put(f"{path}/abcde", json=timed(start, end)),
        calendar_api.patch(f"{path}/abcde", json=timed(start, end)),
    ]
    assert [reason(answer) for answer in answers] == [(400, "timeRangeEmpty")] * 4
    assert len(calendar_api.get(path).json()["items"]) == 1


def test_a_person_can_make_an_event_without_a_duration_and_an_app_can_read_and_delete_it(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    path = "/calendars/primary/events"
    assert controls_http.post(f"/accounts/{ANNA}{path}", json=timed(NOON, NOON, id="abcde")).status_code == 201
    assert calendar_api.get(f"{path}/abcde").status_code == 200
    assert calendar_api.post("/freeBusy", json=QUERY).json()["calendars"]["primary"]["busy"] == []
    assert calendar_api.delete(f"{path}/abcde").status_code == 204


@pytest.mark.parametrize("name", ["localtime", "Factory", "posix/Europe/Oslo", "right/Europe/Oslo", "Mars/Base"])
def test_what_is_no_zone_of_iana_is_refused_with_an_entry_for_each_time(
    calendar_api: ApiClient, calendar_path: str, name: str
) -> None:
    refused = calendar_api.post(f"{calendar_path}/events", json=in_zone(name))
    assert reason(refused) == (400, "invalid")
    assert [entry["message"] for entry in refused.json()["error"]["errors"]] == [
        "Invalid time zone definition for start time.",
        "Invalid time zone definition for end time.",
    ]
    assert reason(calendar_api.post("/calendars", json={"summary": "Tours", "timeZone": name})) == (400, "invalid")
    assert reason(calendar_api.patch(calendar_path, json={"timeZone": name})) == (400, "invalid")
    assert reason(calendar_api.post("/freeBusy", json=QUERY | {"timeZone": name})) == (400, "invalid")


def test_one_wrong_zone_is_one_entry(calendar_api: ApiClient, calendar_path: str) -> None:
    body = in_zone("Europe/Oslo") | {"end": in_zone("Factory")["end"]}
    errors = calendar_api.post(f"{calendar_path}/events", json=body).json()["error"]["errors"]
    assert [entry["message"] for entry in errors] == ["Invalid time zone definition for end time."]


def test_the_list_of_unknown_zones_is_a_switch(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    calendar_api.patch(calendar_path, json={"timeZone": "Europe/Kyiv"})
    path = f"{calendar_path}/events"
    calendar_api.post(path, json=in_zone("Europe/Kyiv") | {"id": "abcde"})
    controls_http.patch("/behaviour", json={"unknown_zones": ["Europe/Kyiv", "America/Ind*"]})
    for name in ("Europe/Kyiv", "America/Indiana/Knox"):
        assert reason(calendar_api.post(path, json=in_zone(name))) == (400, "invalid")
        assert reason(calendar_api.put(f"{path}/abcde", json=in_zone(name))) == (400, "invalid")
    assert calendar_api.post(path, json=in_zone("Europe/Oslo")).status_code == 200
    assert calendar_api.patch(calendar_path, json={"summary": "Boats"}).json()["timeZone"] == "Europe/Kyiv"
    assert calendar_api.patch(f"{path}/abcde", json={"summary": "Boat"}).status_code == 200


@pytest.mark.parametrize("address", [ANNA, ANNA.upper(), "Anna@Example.com"])
def test_an_event_that_the_attendee_declined_is_not_busy_whatever_the_case_of_the_address(
    calendar_api: ApiClient, address: str
) -> None:
    guests = [{"email": address, "responseStatus": "declined"}]
    event = calendar_api.post("/calendars/primary/events", json=timed(attendees=guests)).json()
    assert event["attendees"][0]["self"] is True
    assert calendar_api.post("/freeBusy", json=QUERY).json()["calendars"]["primary"]["busy"] == []


def test_an_event_that_another_guest_declined_is_busy(calendar_api: ApiClient) -> None:
    guests = [{"email": "annabel@example.com", "responseStatus": "declined"}, {"email": ANNA}]
    calendar_api.post("/calendars/primary/events", json=timed(attendees=guests))
    assert len(calendar_api.post("/freeBusy", json=QUERY).json()["calendars"]["primary"]["busy"]) == 1
