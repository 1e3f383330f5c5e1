"""calendars.*, calendarList.*, colors and settings."""

from datetime import timedelta

import httpx
import pytest

from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed


def listed(api: ApiClient, **params: str) -> list[str]:
    return [item["id"] for item in api.get("/users/me/calendarList", params=params).json()["items"]]


def test_a_new_calendar_is_its_makers_and_stands_in_the_list(api: ApiClient) -> None:
    made = api.post("/calendars", json={"summary": "Boat", "timeZone": "Europe/Oslo", "location": None}).json()
    assert made["id"].endswith("@group.calendar.google.com")
    assert (made["kind"], made["dataOwner"], made["timeZone"]) == ("calendar#calendar", ANNA, "Europe/Oslo")
    entry = api.get(f"/users/me/calendarList/{made['id']}").json()
    assert (entry["accessRole"], entry["summary"], "primary" in entry) == ("owner", "Boat", False)


@pytest.mark.parametrize(("body", "why"), [({}, "required"), ({"summary": "x", "timeZone": "Mars/Base"}, "invalid")])
def test_a_calendar_needs_a_name_and_a_real_zone(api: ApiClient, body: dict[str, str], why: str) -> None:
    assert reason(api.post("/calendars", json=body)) == (400, why)


def test_patch_keeps_and_update_clears(api: ApiClient, calendar: str) -> None:
    api.patch(calendar, json={"description": "By boat"})
    assert api.patch(calendar, json={"summary": "Renamed"}).json()["description"] == "By boat"
    assert "description" not in api.put(calendar, json={"summary": "Renamed"}).json()


def test_a_deleted_calendar_is_gone_with_its_events(api: ApiClient, calendar: str) -> None:
    api.post(f"{calendar}/events", json=timed(id="abcde"))
    assert api.delete(calendar).status_code == 204
    gone = [api.get(calendar), api.get(f"{calendar}/events/abcde"), api.delete(calendar)]
    assert [reason(response) for response in gone] == [(404, "notFound")] * 3
    assert listed(api) == [ANNA]


def test_the_primary_calendar_can_be_cleared_but_not_deleted(api: ApiClient, calendar: str) -> None:
    api.post("/calendars/primary/events", json=timed(id="abcde"))
    assert reason(api.delete("/calendars/primary"))[0] == 400
    assert api.post("/calendars/primary/clear").status_code == 204
    assert api.get("/calendars/primary/events").json()["items"] == []
    assert reason(api.post(f"{calendar}/clear"))[0] == 400


def test_primary_is_the_users_address(api: ApiClient) -> None:
    by_name = api.get("/calendars/primary").json()
    assert by_name == api.get(f"/calendars/{ANNA}").json()
    assert by_name == api.get("/calendars/anna%40example.com").json()
    assert (by_name["id"], by_name["timeZone"]) == (ANNA, "Europe/Oslo")


def test_other_peoples_calendars_are_not_found(sign_in: SignIn, controls: httpx.Client) -> None:
    controls.post("/accounts", json={"email": "bo@example.com"})
    bo, anna = sign_in("calendar", email="bo@example.com"), sign_in("calendar")
    made = bo.post("/calendars", json={"summary": "Bo's"}).json()["id"]
    assert reason(anna.get(f"/calendars/{made}")) == (404, "notFound")
    assert reason(anna.get("/calendars/bo@example.com/events")) == (404, "notFound")


def test_colours_are_the_users_own(api: ApiClient, calendar: str) -> None:
    path = calendar.replace("/calendars", "/users/me/calendarList")
    palette = api.get("/colors").json()["calendar"]
    assert api.patch(path, json={"colorId": "7"}).json()["backgroundColor"] == palette["7"]["background"]
    own = {"backgroundColor": "#123456", "foregroundColor": "#ffffff"}
    assert api.patch(path, json=own, params={"colorRgbFormat": "true"}).json()["backgroundColor"] == "#123456"
    assert reason(api.patch(path, json={"colorId": "99"})) == (400, "invalid")


def test_a_list_sync_tells_of_additions_colours_and_removals_but_not_of_titles(api: ApiClient, calendar: str) -> None:
    other = api.post("/calendars", json={"summary": "Other"}).json()["id"]
    token = api.get("/users/me/calendarList").json()["nextSyncToken"]
    api.patch(calendar, json={"summary": "A new title"})
    assert listed(api, syncToken=token) == []
    new = api.post("/calendars", json={"summary": "New"}).json()["id"]
    api.delete(f"/calendars/{other}")
    changes = api.get("/users/me/calendarList", params={"syncToken": token}).json()
    assert {item["id"]: item.get("deleted", False) for item in changes["items"]} == {new: False, other: True}
    assert listed(api, syncToken=changes["nextSyncToken"]) == []


def test_the_list_has_pages(api: ApiClient) -> None:
    made = {api.post("/calendars", json={"summary": f"{i}"}).json()["id"] for i in range(3)}
    first = api.get("/users/me/calendarList", params={"maxResults": 2}).json()
    rest = api.get("/users/me/calendarList", params={"pageToken": first["nextPageToken"]}).json()
    assert "nextSyncToken" not in first
    assert {item["id"] for item in first["items"] + rest["items"]} == {ANNA, *made}


def test_hidden_and_lesser_calendars_can_be_left_out(api: ApiClient, calendar: str, controls: httpx.Client) -> None:
    api.patch(calendar.replace("/calendars", "/users/me/calendarList"), json={"hidden": True})
    controls.post(f"/accounts/{ANNA}/calendars", json={"summary": "Colleague", "id": "c@x.y", "accessRole": "reader"})
    assert sorted(listed(api)) == [ANNA, "c@x.y"]
    assert len(listed(api, showHidden="true")) == 3
    assert listed(api, minAccessRole="owner") == [ANNA]


def test_a_calendar_can_be_taken_off_the_list_and_put_back(api: ApiClient, calendar: str) -> None:
    calendar_id = calendar.removeprefix("/calendars/")
    assert api.delete(f"/users/me/calendarList/{calendar_id}").status_code == 204
    assert listed(api) == [ANNA]
    assert api.get(calendar).status_code == 200
    assert api.post("/users/me/calendarList", json={"id": calendar_id}).status_code == 200
    assert len(listed(api)) == 2


@pytest.mark.parametrize("name", ["minAccessRole", "showOwnOrganizationOnly", "showDeleted", "showHidden"])
def test_a_list_token_does_not_go_with_filters(api: ApiClient, name: str) -> None:
    token = api.get("/users/me/calendarList").json()["nextSyncToken"]
    value = "owner" if name == "minAccessRole" else "false"
    response = api.get("/users/me/calendarList", params={"syncToken": token, name: value})
    assert reason(response) == (400, "invalid")


def test_too_many_new_calendars_use_up_a_limit_for_hours(api: ApiClient, clock: SettableClock) -> None:
    codes = [api.post("/calendars", json={"summary": "x"}).status_code for _ in range(60)]
    assert set(codes) == {200}
    assert reason(api.post("/calendars", json={"summary": "x"})) == (403, "quotaExceeded")
    clock.advance(timedelta(minutes=30))
    assert reason(api.post("/calendars", json={"summary": "x"})) == (403, "quotaExceeded")


def test_whole_days_move_with_the_calendars_zone(api: ApiClient, calendar: str) -> None:
    api.post(f"{calendar}/events", json={"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}})
    window = {"timeMin": "2026-12-02T06:00:00Z", "timeMax": "2026-12-02T07:00:00Z"}
    assert api.get(f"{calendar}/events", params=window).json()["items"] == []
    api.patch(calendar, json={"timeZone": "America/Los_Angeles"})
    assert len(api.get(f"{calendar}/events", params=window).json()["items"]) == 1


def test_settings_name_the_users_zone(api: ApiClient) -> None:
    assert api.get("/users/me/settings/timezone").json()["value"] == "Europe/Oslo"
    assert "weekStart" in {item["id"] for item in api.get("/users/me/settings").json()["items"]}
    assert reason(api.get("/users/me/settings/nope")) == (404, "notFound")


def test_readers_cannot_write(api: ApiClient, controls: httpx.Client) -> None:
    controls.post(f"/accounts/{ANNA}/calendars", json={"summary": "Colleague", "id": "c@x.y", "accessRole": "reader"})
    assert reason(api.post("/calendars/c@x.y/events", json=timed())) == (403, "requiredAccessLevel")
    assert api.get("/calendars/c@x.y/events").json()["accessRole"] == "reader"
