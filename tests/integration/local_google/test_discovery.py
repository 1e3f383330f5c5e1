"""The document decides: answers have the shape that it describes."""

from typing import Any

import httpx
import pytest
from jsonschema import ValidationError

from localgoogle.protocol.discovery import calendar_v3
from tests.support.google_clients.json_schemas import response_validator
from tests.support.local_google import ApiClient, timed


def check(method_id: str, response: httpx.Response) -> dict[str, Any]:
    """Return the answer after a check that the discovery document describes all of it."""
    schema = calendar_v3().methods[method_id].response
    assert schema is not None
    response_validator(schema).validate(response.json())
    return dict(response.json())


def test_every_answer_fits_its_schema(calendar_api: ApiClient) -> None:
    rich = timed(
        id="abcde",
        description="d",
        location="l",
        colorId="3",
        transparency="transparent",
        visibility="private",
        attendees=[{"email": "a@x.y", "optional": True}],
        extendedProperties={"private": {"a": "b"}},
        reminders={"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
        source={"url": "https://platform.example", "title": "Booking"},
    )
    calendar = check("calendars.insert", calendar_api.post("/calendars", json={"summary": "x"}))["id"]
    path, entry = f"/calendars/{calendar}", f"/users/me/calendarList/{calendar}"
    event = f"{path}/events/abcde"
    channel = {"id": "c", "type": "web_hook", "address": "http://127.0.0.1:9/", "token": "t"}
    range_ = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-08T00:00:00Z"}
    check("calendars.get", calendar_api.get(path))
    check("calendars.get", calendar_api.get("/calendars/primary"))
    check("calendars.patch", calendar_api.patch(path, json={"description": "d"}))
    check("calendars.update", calendar_api.put(path, json={"summary": "y"}))
    check("calendarList.get", calendar_api.get(entry))
    check("calendarList.patch", calendar_api.patch(entry, json={"colorId": "2"}))
    check("calendarList.list", calendar_api.get("/users/me/calendarList"))
    check("events.insert", calendar_api.post(f"{path}/events", json=rich))
    check("events.import", calendar_api.post(f"{path}/events/import", json=timed(iCalUID="x@y")))
    check("events.patch", calendar_api.patch(event, json={"summary": "z"}))
    check("events.update", calendar_api.put(event, json=timed()))
    check("events.get", calendar_api.get(event))
    check("events.list", calendar_api.get(f"{path}/events", params={"maxResults": 1}))
    check("events.move", calendar_api.post(f"{event}/move", params={"destination": "primary"}))
    check("events.watch", calendar_api.post(f"{path}/events/watch", json=channel))
    check("calendarList.watch", calendar_api.post("/users/me/calendarList/watch", json=channel | {"id": "d"}))
    check("freebusy.query", calendar_api.post("/freeBusy", json=range_ | {"items": [{"id": calendar}, {"id": "no"}]}))
    check("colors.get", calendar_api.get("/colors"))
    check("settings.list", calendar_api.get("/users/me/settings"))
    check("settings.get", calendar_api.get("/users/me/settings/locale"))


def test_the_check_of_shapes_finds_a_wrong_one() -> None:
    with pytest.raises(ValidationError):
        check("events.get", httpx.Response(200, json={"sumary": "misspelt"}))
    with pytest.raises(ValidationError):
        check("events.get", httpx.Response(200, json={"summary": 7}))
