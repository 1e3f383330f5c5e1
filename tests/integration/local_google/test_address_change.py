"""An account gets another address, which is also the id of its primary calendar."""

from pathlib import Path

import httpx

from localgoogle.address_change import change_address
from localgoogle.local_google import LocalGoogle
from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed

NEW = "anna.berg@example.com"
BO = "bo@example.com"
QUERY = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z"}


def rename(controls_http: httpx.Client, old: str = ANNA, new: str = NEW) -> httpx.Response:
    return controls_http.patch(f"/accounts/{old}", json={"email": new})


def busy(calendar_api: ApiClient, calendar_id: str) -> list[dict[str, str]]:
    answer = calendar_api.post("/freeBusy", json=QUERY | {"items": [{"id": calendar_id}]}).json()
    slots: list[dict[str, str]] = answer["calendars"][calendar_id]["busy"]
    return slots


def test_the_grant_the_number_and_all_events_remain(
    local_google: RunningLocalGoogle, calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    calendar_api.post("/calendars/primary/events", json=timed(id="fghij"))
    grant = controls_http.post(
        f"/accounts/{ANNA}/grant", json={"client_id": "app", "scopes": ["openid", "email"]}
    ).json()
    number = local_google.google.accounts.get(ANNA).sub
    assert rename(controls_http).json() == {"email": NEW, "time_zone": "Europe/Oslo", "sub": number}
    assert calendar_api.get(f"{calendar_path}/events/abcde").status_code == 200
    assert calendar_api.get("/calendars/primary").json()["id"] == NEW
    assert calendar_api.get("/calendars/primary/events/fghij").json()["creator"] == {"email": NEW, "self": True}
    assert len(busy(calendar_api, "primary")) == 1
    form = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "x"}
    tokens = httpx.post(f"{local_google.url}/token", data=form | {"refresh_token": grant["refresh_token"]}).json()
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    owner = httpx.get(f"{local_google.url}/oauth2/v3/userinfo", headers=header).json()
    assert (owner["sub"], owner["email"]) == (number, NEW)


def test_the_former_id_of_the_primary_calendar_is_gone(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    calendar_api.post("/calendars/primary/events", json=timed())
    listing = calendar_api.get("/users/me/calendarList").json()
    assert rename(controls_http).status_code == 200
    assert reason(calendar_api.get(f"/calendars/{ANNA}/events")) == (404, "notFound")
    query = QUERY | {"items": [{"id": ANNA}]}
    assert "errors" in calendar_api.post("/freeBusy", json=query).json()["calendars"][ANNA]
    entries = calendar_api.get("/users/me/calendarList", params={"showDeleted": "true"}).json()["items"]
    assert [(entry["id"], "deleted" in entry, "primary" in entry) for entry in entries] == [
        (ANNA, True, False),
        (NEW, False, True),
    ]
    refused = calendar_api.get("/users/me/calendarList", params={"syncToken": listing["nextSyncToken"]})
    assert reason(refused) == (410, "fullSyncRequired")


def test_the_former_id_can_be_another_name_of_the_primary_calendar(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    controls_http.patch("/behaviour", json={"former_address": "alias"})
    calendar_api.post("/calendars/primary/events", json=timed())
    rename(controls_http)
    assert calendar_api.get(f"/calendars/{ANNA}").json()["id"] == NEW
    assert busy(calendar_api, ANNA) == busy(calendar_api, NEW) != []


def test_an_event_that_was_declined_under_the_former_address_stays_declined(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    guests = [{"email": ANNA.title(), "responseStatus": "declined"}]
    calendar_api.post("/calendars/primary/events", json=timed(attendees=guests))
    rename(controls_http)
    assert busy(calendar_api, NEW) == []
    (event,) = calendar_api.get("/calendars/primary/events").json()["items"]
    assert [guest["self"] for guest in event["attendees"]] == [True]


def test_an_account_can_return_to_its_former_address(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    rename(controls_http)
    assert rename(controls_http, NEW, ANNA).status_code == 200
    assert calendar_api.get(f"/calendars/{ANNA}/events/abcde").status_code == 200
    assert reason(calendar_api.get(f"/calendars/{NEW}")) == (404, "notFound")
    entries = calendar_api.get("/users/me/calendarList").json()["items"]
    assert [entry["id"] for entry in entries] == [ANNA]


def test_an_address_belongs_to_one_account_for_ever(
    calendar_api: ApiClient, controls_http: httpx.Client, sign_in: SignIn
) -> None:
    controls_http.post("/accounts", json={"email": BO})
    assert reason(rename(controls_http, new=BO))[0] == 400
    rename(controls_http)
    assert reason(rename(controls_http, BO, ANNA))[0] == 400
    assert reason(controls_http.post("/accounts", json={"email": ANNA}))[0] == 400
    assert reason(rename(controls_http, "nobody@x.y"))[0] == 404
    assert reason(rename(controls_http, NEW, "nobody"))[0] == 400


def test_the_new_address_survives_a_restart(tmp_path: Path) -> None:
    options = LocalGoogleOptions.unlimited(tmp_path / "google.db")
    with running_local_google(options) as running:
        running.google.create_account(ANNA, "UTC")
        token = running.google.accounts.grant(ANNA, "app", ["openid"])
        running.google.create_calendar(ANNA, {"summary": "Tours"}, client_id="app")
        httpx.post(f"{running.url}/sandbox/accounts/{ANNA}/calendars/primary/events", json=timed(id="abcde"))
        change_address(running.google, ANNA, NEW)
    google = LocalGoogle(options)
    assert [(each.id == NEW, each.owner) for each in google.list_owned_calendars(NEW)] == [(True, NEW), (False, NEW)]
    assert [event.id for event in google.calendar_events(NEW)] == ["abcde"]
    assert list(google.calendar_events(ANNA)) == []
    assert google.accounts.grants.find_owner(token) == NEW
    assert google.accounts.addresses(NEW) == {NEW, ANNA}
    assert google.find_calendar(NEW, "primary").is_self(ANNA)
    google.close()
