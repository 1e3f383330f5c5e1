"""calendars.*, calendarList.*, colors and settings."""

from datetime import timedelta

import httpx
import pytest

from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed


def listed(calendar_api: ApiClient, **params: str) -> list[str]:
    return [item["id"] for item in calendar_api.get("/users/me/calendarList", params=params).json()["items"]]


def test_a_new_calendar_is_its_makers_and_stands_in_the_list(calendar_api: ApiClient) -> None:
    made = calendar_api.post("/calendars", json={"summary": "Boat", "timeZone": "Europe/Oslo", "location": None}).json()
    assert made["id"].endswith("@group.calendar.google.com")
    assert (made["kind"], made["dataOwner"], made["timeZone"]) == ("calendar#calendar", ANNA, "Europe/Oslo")
    entry = calendar_api.get(f"/users/me/calendarList/{made['id']}").json()
    assert (entry["accessRole"], entry["summary"], "primary" in entry) == ("owner", "Boat", False)


@pytest.mark.parametrize(("body", "why"), [({}, "required"), ({"summary": "x", "timeZone": "Mars/Base"}, "invalid")])
def test_a_calendar_needs_a_name_and_a_real_zone(calendar_api: ApiClient, body: dict[str, str], why: str) -> None:
    assert reason(calendar_api.post("/calendars", json=body)) == (400, why)


def test_patch_keeps_and_update_clears(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.patch(calendar_path, json={"description": "By boat"})
    assert calendar_api.patch(calendar_path, json={"summary": "Renamed"}).json()["description"] == "By boat"
    updated = calendar_api.put(calendar_path, json={"summary": "Updated"})
    assert (updated.status_code, updated.json()["summary"]) == (200, "Updated")
    assert "description" not in updated.json()


def test_a_deleted_calendar_is_gone_with_its_events(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    assert calendar_api.delete(calendar_path).status_code == 204
    gone = [
        calendar_api.get(calendar_path),
        calendar_api.get(f"{calendar_path}/events/abcde"),
        calendar_api.delete(calendar_path),
    ]
    assert [reason(response) for response in gone] == [(404, "notFound")] * 3
    assert listed(calendar_api) == [ANNA]


def test_the_primary_calendar_can_be_cleared_but_not_deleted(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    assert reason(calendar_api.delete("/calendars/primary"))[0] == 400
    assert calendar_api.post("/calendars/primary/clear").status_code == 204
    assert calendar_api.get("/calendars/primary/events").json()["items"] == []
    assert reason(calendar_api.post(f"{calendar_path}/clear"))[0] == 400


def test_primary_is_the_users_address(calendar_api: ApiClient) -> None:
    by_name = calendar_api.get("/calendars/primary").json()
    assert by_name == calendar_api.get(f"/calendars/{ANNA}").json()
    assert by_name == calendar_api.get("/calendars/anna%40example.com").json()
    assert (by_name["id"], by_name["timeZone"]) == (ANNA, "Europe/Oslo")


def test_other_peoples_calendars_are_not_found(sign_in: SignIn, controls_http: httpx.Client) -> None:
    controls_http.post("/accounts", json={"email": "bo@example.com"})
    bo, anna = sign_in("calendar", email="bo@example.com"), sign_in("calendar")
    made = bo.post("/calendars", json={"summary": "Bo's"}).json()["id"]
    assert reason(anna.get(f"/calendars/{made}")) == (404, "notFound")
    assert reason(anna.get("/calendars/bo@example.com/events")) == (404, "notFound")


def test_colours_are_the_users_own(calendar_api: ApiClient, calendar_path: str) -> None:
    path = calendar_path.replace("/calendars", "/users/me/calendarList")
    palette = calendar_api.get("/colors").json()["calendar"]
    assert calendar_api.patch(path, json={"colorId": "7"}).json()["backgroundColor"] == palette["7"]["background"]
    own = {"backgroundColor": "#123456", "foregroundColor": "#ffffff"}
    assert calendar_api.patch(path, json=own, params={"colorRgbFormat": "true"}).json()["backgroundColor"] == "#123456"
    assert reason(calendar_api.patch(path, json={"colorId": "99"})) == (400, "invalid")


def test_a_list_sync_shows_additions_colours_and_removals_but_not_titles(
    calendar_api: ApiClient, calendar_path: str
) -> None:
    other = calendar_api.post("/calendars", json={"summary": "Other"}).json()["id"]
    token = calendar_api.get("/users/me/calendarList").json()["nextSyncToken"]
    calendar_api.patch(calendar_path, json={"summary": "A new title"})
    assert listed(calendar_api, syncToken=token) == []
    new = calendar_api.post("/calendars", json={"summary": "New"}).json()["id"]
    calendar_api.delete(f"/calendars/{other}")
    changes = calendar_api.get("/users/me/calendarList", params={"syncToken": token}).json()
    assert {item["id"]: item.get("deleted", False) for item in changes["items"]} == {new: False, other: True}
    assert listed(calendar_api, syncToken=changes["nextSyncToken"]) == []


def test_the_list_has_pages(calendar_api: ApiClient) -> None:
    made = {calendar_api.post("/calendars", json={"summary": f"{i}"}).json()["id"] for i in range(3)}
    first = calendar_api.get("/users/me/calendarList", params={"maxResults": 2}).json()
    rest = calendar_api.get("/users/me/calendarList", params={"pageToken": first["nextPageToken"]}).json()
    assert "nextSyncToken" not in first
    assert {item["id"] for item in first["items"] + rest["items"]} == {ANNA, *made}


def test_hidden_and_lesser_calendars_can_be_left_out(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    calendar_api.patch(calendar_path.replace("/calendars", "/users/me/calendarList"), json={"hidden": True})
    controls_http.post(
        f"/accounts/{ANNA}/calendars", json={"summary": "Colleague", "id": "c@x.y", "accessRole": "reader"}
    )
    assert sorted(listed(calendar_api)) == [ANNA, "c@x.y"]
    assert len(listed(calendar_api, showHidden="true")) == 3
    assert listed(calendar_api, minAccessRole="owner") == [ANNA]


def test_a_calendar_can_be_taken_off_the_list_and_put_back(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_id = calendar_path.removeprefix("/calendars/")
    assert calendar_api.delete(f"/users/me/calendarList/{calendar_id}").status_code == 204
    assert listed(calendar_api) == [ANNA]
    assert calendar_api.get(calendar_path).status_code == 200
    assert calendar_api.post("/users/me/calendarList", json={"id": calendar_id}).status_code == 200
    assert len(listed(calendar_api)) == 2


@pytest.mark.parametrize("name", ["minAccessRole", "showOwnOrganizationOnly", "showDeleted", "showHidden"])
def test_a_list_token_does_not_go_with_filters(calendar_api: ApiClient, name: str) -> None:
    token = calendar_api.get("/users/me/calendarList").json()["nextSyncToken"]
    value = "owner" if name == "minAccessRole" else "false"
    response = calendar_api.get("/users/me/calendarList", params={"syncToken": token, name: value})
    assert reason(response) == (400, "invalid")


def test_too_many_new_calendars_use_up_a_limit_for_hours(calendar_api: ApiClient, clock: SettableClock) -> None:
    codes = [calendar_api.post("/calendars", json={"summary": "x"}).status_code for _ in range(60)]
    assert set(codes) == {200}
    assert reason(calendar_api.post("/calendars", json={"summary": "x"})) == (403, "quotaExceeded")
    clock.advance(timedelta(minutes=30))
    assert reason(calendar_api.post("/calendars", json={"summary": "x"})) == (403, "quotaExceeded")


def test_whole_days_move_with_the_calendars_zone(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json={"start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}})
    window = {"timeMin": "2026-12-02T06:00:00Z", "timeMax": "2026-12-02T07:00:00Z"}
    assert calendar_api.get(f"{calendar_path}/events", params=window).json()["items"] == []
    calendar_api.patch(calendar_path, json={"timeZone": "America/Los_Angeles"})
    assert len(calendar_api.get(f"{calendar_path}/events", params=window).json()["items"]) == 1


def test_settings_name_the_users_zone(calendar_api: ApiClient) -> None:
    assert calendar_api.get("/users/me/settings/timezone").json()["value"] == "Europe/Oslo"
    assert "weekStart" in {item["id"] for item in calendar_api.get("/users/me/settings").json()["items"]}
    assert reason(calendar_api.get("/users/me/settings/nope")) == (404, "notFound")


def test_readers_cannot_write(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    controls_http.post(
        f"/accounts/{ANNA}/calendars", json={"summary": "Colleague", "id": "c@x.y", "accessRole": "reader"}
    )
    assert reason(calendar_api.post("/calendars/c@x.y/events", json=timed())) == (403, "requiredAccessLevel")
    assert calendar_api.get("/calendars/c@x.y/events").json()["accessRole"] == "reader"
