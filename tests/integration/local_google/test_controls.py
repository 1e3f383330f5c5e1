"""Accounts, edits by hand, switches, the log of calls, and the reset."""

from datetime import timedelta

import httpx
import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed


def test_an_account_has_a_primary_calendar_and_is_made_once(
    local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    first = controls_http.post("/accounts", json={"email": "bo@example.com", "time_zone": "Asia/Tokyo"})
    again = controls_http.post("/accounts", json={"email": "bo@example.com", "time_zone": "UTC"})
    assert (first.status_code, again.json()) == (201, first.json())
    calendars = controls_http.get("/accounts/bo@example.com/calendars").json()["items"]
    assert [(c["id"], c["timeZone"]) for c in calendars] == [("bo@example.com", "Asia/Tokyo")]
    assert {a["email"] for a in controls_http.get("/accounts").json()["items"]} == {ANNA, "bo@example.com"}


def test_a_grant_is_a_refresh_token_that_works_until_it_is_revoked(
    local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    scopes = ["openid", "email", "https://www.googleapis.com/auth/calendar.app.created"]
    token = controls_http.post(f"/accounts/{ANNA}/grant", json={"client_id": "app", "scopes": scopes}).json()[
        "refresh_token"
    ]
    form = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "x", "refresh_token": token}
    access = httpx.post(f"{local_google.url}/token", data=form).json()
    assert access["token_type"] == "Bearer"
    controls_http.post(f"/accounts/{ANNA}/revoke")
    refused = httpx.post(f"{local_google.url}/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_hand_edit_is_seen_by_the_app(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    by_hand = f"/accounts/{ANNA}{calendar_path}/events"
    made = controls_http.post(by_hand, json=timed(id="abcde"))
    assert made.status_code == 201
    assert controls_http.patch(f"{by_hand}/abcde", json={"summary": "Moved by Anna"}).status_code == 200
    assert calendar_api.get(f"{calendar_path}/events/abcde").json()["summary"] == "Moved by Anna"
    assert controls_http.delete(f"{by_hand}/abcde").status_code == 204
    assert calendar_api.get(f"{calendar_path}/events/abcde").json()["status"] == "cancelled"
    assert controls_http.get(by_hand).json() == {"items": []}
    assert controls_http.get(by_hand, params={"showDeleted": "true"}).json()["items"][0]["id"] == "abcde"


def test_edits_by_hand_reach_the_calendars_of_users_and_clients(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    made = controls_http.post(f"/accounts/{ANNA}/calendars", json={"summary": "Family"}).json()
    path = f"/accounts/{ANNA}/calendars"
    assert controls_http.patch(f"{path}/{made['id']}", json={"summary": "All of us"}).json()["summary"] == "All of us"
    assert len(controls_http.get(path).json()["items"]) == 3
    assert controls_http.delete(f"/accounts/{ANNA}{calendar_path}").status_code == 204
    assert reason(calendar_api.get(calendar_path)) == (404, "notFound")
    assert len(controls_http.get(path).json()["items"]) == 2


def test_hand_edits_cost_no_calls(calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client) -> None:
    before = controls_http.get("/calls").json()["totals"]
    controls_http.post(f"/accounts/{ANNA}{calendar_path}/events", json=timed())
    assert controls_http.get("/calls").json()["totals"] == before


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/accounts", {}, "email"),
        ("/accounts", {"email": "nobody"}, "email"),
        ("/accounts", {"email": "a@x.y", "time_zone": "Mars/Base"}, "time_zone"),
        ("/accounts", {"email": "a@x.y", "age": 7}, "age"),
        ("/accounts", [], "object"),
        (f"/accounts/{ANNA}/grant", {"client_id": "app"}, "scopes"),
        (f"/accounts/{ANNA}/calendars", {"summary": "x", "accessRole": "king"}, "accessRole"),
        (f"/accounts/{ANNA}/calendars", {"summary": "x", "id": ANNA}, "id"),
        (f"/accounts/{ANNA}/calendars", {}, "title"),
    ],
)
def test_bad_input_is_refused_by_the_name_of_its_field(
    local_google: RunningLocalGoogle, controls_http: httpx.Client, path: str, body: object, field: str
) -> None:
    response = controls_http.post(path, json=body)
    assert reason(response)[0] == 400
    assert field in response.json()["error"]["message"]


def test_bad_switches_and_filters_are_refused(local_google: RunningLocalGoogle, controls_http: httpx.Client) -> None:
    assert "resurrect" in controls_http.patch("/behaviour", json={"resurrect": "maybe"}).json()["error"]["message"]
    assert "mood" in controls_http.patch("/behaviour", json={"mood": "good"}).json()["error"]["message"]
    assert "since" in controls_http.get("/calls", params={"since": "yesterday"}).json()["error"]["message"]
    assert controls_http.get("/behaviour").json()["resurrect"] == "allow"


def test_unknown_accounts_are_named(local_google: RunningLocalGoogle, controls_http: httpx.Client) -> None:
    unknown = [
        controls_http.post("/accounts/nobody@x.y/grant", json={"client_id": "app", "scopes": []}),
        controls_http.post("/accounts/nobody@x.y/revoke"),
        controls_http.get("/accounts/nobody@x.y/calendars"),
    ]
    assert [response.status_code for response in unknown] == [404] * 3
    assert all("nobody@x.y" in response.json()["error"]["message"] for response in unknown)


def test_the_log_shows_client_method_and_status_of_each_call(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client, clock: SettableClock
) -> None:
    clock.advance(timedelta(seconds=1))
    since = clock.now.isoformat()
    calendar_api.get(f"{calendar_path}/events/never")
    log = controls_http.get("/calls", params={"since": since, "account": ANNA}).json()
    assert log["totals"] == {"calendars.insert": 1, "events.get": 1}
    call = log["items"][0]
    assert call.pop("duration_ms") > 0
    assert call == {
        "time": since,
        "account": ANNA,
        "method": "events.get",
        "path": f"/calendar/v3{calendar_path}/events/never",
        "status": 404,
        "reason": "notFound",
    }
    assert controls_http.get("/calls", params={"account": "bo@example.com"}).json() == {"totals": {}, "items": []}
    assert len(controls_http.get("/calls", params={"method": "calendars.insert"}).json()["items"]) == 1


def test_a_reset_leaves_an_empty_google(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    controls_http.patch("/behaviour", json={"resurrect": "ignore"})
    controls_http.post("/faults", json={"method": "*", "kind": "backendError", "count": 5})
    assert controls_http.post("/reset").status_code == 204
    assert controls_http.get("/accounts").json() == {"items": []}
    assert controls_http.get("/faults").json() == {"items": []}
    assert controls_http.get("/behaviour").json()["resurrect"] == "allow"
    assert controls_http.get("/calls").json() == {"totals": {}, "items": []}
    assert reason(calendar_api.get(calendar_path)) == (401, "authError")


def test_a_sync_token_of_before_a_reset_needs_a_full_sync(
    calendar_api: ApiClient, controls_http: httpx.Client, sign_in: SignIn
) -> None:
    token = calendar_api.get("/calendars/primary/events").json()["nextSyncToken"]
    listing = calendar_api.get("/users/me/calendarList").json()["nextSyncToken"]
    controls_http.post("/reset")
    controls_http.post("/accounts", json={"email": ANNA})
    again = sign_in("calendar")
    assert reason(again.get("/calendars/primary/events", params={"syncToken": token})) == (410, "fullSyncRequired")
    assert reason(again.get("/users/me/calendarList", params={"syncToken": listing})) == (410, "fullSyncRequired")


@pytest.mark.parametrize(("switch", "after"), [("allow", "confirmed"), ("ignore", "cancelled")])
@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_reviving_a_deleted_event_is_a_switch(
    calendar_api: ApiClient, controls_http: httpx.Client, verb: str, switch: str, after: str
) -> None:
    controls_http.patch("/behaviour", json={"resurrect": switch})
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    calendar_api.delete("/calendars/primary/events/abcde")
    revived = calendar_api.request(verb, "/calendars/primary/events/abcde", json=timed(status="confirmed"))
    assert (revived.status_code, revived.json()["status"]) == (200, after)
    assert calendar_api.get("/calendars/primary/events/abcde").json()["status"] == after


def test_reviving_can_be_refused(calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client) -> None:
    controls_http.patch("/behaviour", json={"resurrect": "refuse"})
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    calendar_api.delete(f"{calendar_path}/events/abcde")
    assert reason(calendar_api.patch(f"{calendar_path}/events/abcde", json={"status": "confirmed"})) == (
        403,
        "forbidden",
    )


def test_reading_a_deleted_event_is_a_switch(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    controls_http.patch("/behaviour", json={"deleted_get": "not_found"})
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    calendar_api.delete(f"{calendar_path}/events/abcde")
    assert reason(calendar_api.get(f"{calendar_path}/events/abcde")) == (404, "notFound")
    assert reason(calendar_api.delete(f"{calendar_path}/events/abcde")) == (410, "deleted")
