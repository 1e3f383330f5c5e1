"""Access that is lowered, ended and given back by hand, also to calendars that an app made."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed

QUERY = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z"}


@pytest.fixture
def app(sign_in: SignIn) -> ApiClient:
    """The client of an app with the least scopes."""
    return sign_in("calendar.app.created", "calendar.calendarlist.readonly", "calendar.events.freebusy")


@pytest.fixture
def path(app: ApiClient) -> str:
    """The path of a calendar that the app made, with an event."""
    made = app.post("/calendars", json={"summary": "Tours", "timeZone": "Europe/Oslo"}).json()
    app.post(f"/calendars/{made['id']}/events", json=timed(id="abcde"))
    return f"/calendars/{made['id']}"


def change(controls_http: httpx.Client, path: str, **access: str) -> None:
    response = controls_http.patch(f"/accounts/{ANNA}{path}/access", json=access)
    assert response.json().items() >= access.items(), response.text


def listed(app: ApiClient) -> list[str]:
    return [entry["id"] for entry in app.get("/users/me/calendarList").json()["items"]]


def freebusy(app: ApiClient, path: str) -> dict[str, object]:
    calendar_id = path.rpartition("/")[2]
    answer: dict[str, object] = app.post("/freeBusy", json=QUERY | {"items": [{"id": calendar_id}]}).json()
    calendars = answer["calendars"]
    assert isinstance(calendars, dict)
    found: dict[str, object] = calendars[calendar_id]
    return found


@pytest.mark.parametrize("role", ["reader", "freeBusyReader"])
def test_an_app_cannot_write_to_its_own_calendar_once_the_user_only_reads_it(
    app: ApiClient, path: str, controls_http: httpx.Client, role: str
) -> None:
    change(controls_http, path, role=role)
    refused = [
        app.post(f"{path}/events", json=timed()),
        app.put(f"{path}/events/abcde", json=timed()),
        app.patch(f"{path}/events/abcde", json={"summary": "x"}),
        app.delete(f"{path}/events/abcde"),
        app.patch(path, json={"summary": "x"}),
        app.delete(path),
    ]
    assert [reason(each) for each in refused] == [(403, "requiredAccessLevel")] * 6
    assert app.get(f"{path}/events/abcde").status_code == 200
    change(controls_http, path, role="writer")
    assert app.delete(f"{path}/events/abcde").status_code == 204


@pytest.mark.parametrize(("ended", "answer"), [("not_found", (404, "notFound")), ("forbidden", (403, "forbidden"))])
def test_a_calendar_without_access_is_out_of_reach_until_it_is_shared_again(
    app: ApiClient, path: str, controls_http: httpx.Client, ended: str, answer: tuple[int, str]
) -> None:
    controls_http.patch("/behaviour", json={"ended_access": ended})
    token = app.get("/users/me/calendarList").json()["nextSyncToken"]
    change(controls_http, path, role="none")
    calls = [app.get(path), app.get(f"{path}/events"), app.delete(f"{path}/events/abcde"), app.delete(path)]
    assert [reason(each) for each in calls] == [answer] * 4
    assert freebusy(app, path) == {"errors": [{"domain": "global", "reason": answer[1]}], "busy": []}
    assert listed(app) == [ANNA]
    synced = app.get("/users/me/calendarList", params={"syncToken": token}).json()["items"]
    assert [entry.get("deleted") for entry in synced] == [True]
    assert len(controls_http.get(f"/accounts/{ANNA}{path}/events").json()["items"]) == 1
    change(controls_http, path, role="owner")
    assert len(listed(app)) == 2
    assert app.patch(f"{path}/events/abcde", json={"summary": "Back"}).status_code == 200


def test_each_change_of_access_needs_a_full_sync_of_the_events(
    app: ApiClient, path: str, controls_http: httpx.Client
) -> None:
    def next_token(**params: str) -> httpx.Response:
        return app.get(f"{path}/events", params=params)

    token = next_token().json()["nextSyncToken"]
    change(controls_http, path, role="reader")
    assert reason(next_token(syncToken=token)) == (410, "fullSyncRequired")
    token = next_token().json()["nextSyncToken"]
    assert next_token(syncToken=token).json()["items"] == []


def test_a_change_of_the_role_alone_is_no_change_of_the_list(
    app: ApiClient, path: str, controls_http: httpx.Client
) -> None:
    token = app.get("/users/me/calendarList").json()["nextSyncToken"]
    change(controls_http, path, role="reader")
    assert app.get("/users/me/calendarList", params={"syncToken": token}).json()["items"] == []
    assert [each["accessRole"] for each in app.get("/users/me/calendarList").json()["items"]] == ["owner", "reader"]


def test_an_app_may_lose_a_calendar_that_its_user_keeps(
    app: ApiClient, path: str, controls_http: httpx.Client, sign_in: SignIn
) -> None:
    access = f"/accounts/{ANNA}{path}/access"
    assert controls_http.get(access).json() == {"role": "owner", "client_id": "app"}
    change(controls_http, path, client_id="")
    assert reason(app.post(f"{path}/events", json=timed()))[0] == 404
    assert sign_in("calendar").post(f"{path}/events", json=timed()).status_code == 200
    change(controls_http, path, client_id="app")
    assert app.post(f"{path}/events", json=timed()).status_code == 200


@pytest.mark.parametrize(("body", "field"), [({"role": "king"}, "role"), ({"mood": "good"}, "mood")])
def test_access_that_cannot_be_is_refused(
    path: str, controls_http: httpx.Client, body: dict[str, str], field: str
) -> None:
    refused = controls_http.patch(f"/accounts/{ANNA}{path}/access", json=body)
    assert refused.status_code == 400
    assert field in refused.json()["error"]["message"]


def test_nobody_loses_the_own_primary_calendar(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    refused = controls_http.patch(f"/accounts/{ANNA}/calendars/primary/access", json={"role": "reader"})
    assert "primary" in refused.json()["error"]["message"]
    assert calendar_api.post("/calendars/primary/events", json=timed()).status_code == 200
