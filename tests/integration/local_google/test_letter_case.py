"""Addresses have no case: those of accounts, and the ids of primary calendars."""

import httpx
import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed

OTHER_CASE = "ANNA@Example.com"
NEW = "anna.berg@example.com"
BOSS = "boss@example.com"
QUERY = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z"}


def test_an_address_in_another_case_is_the_account_itself(
    controls_http: httpx.Client, local_google: RunningLocalGoogle
) -> None:
    created = controls_http.post("/accounts", json={"email": OTHER_CASE}).json()
    assert created["email"] == local_google.google.create_account(OTHER_CASE, "UTC").email == ANNA
    assert [account["email"] for account in controls_http.get("/accounts").json()["items"]] == [ANNA]
    grant = {"client_id": "app", "scopes": ["openid", "email"]}
    token = controls_http.post(f"/accounts/{OTHER_CASE}/grant", json=grant).json()["refresh_token"]
    assert local_google.google.accounts.grants.find_owner(token) == ANNA
    controls_http.post("/accounts", json={"email": BOSS})
    same, also, other = (
        httpx.get(f"{local_google.url}/", params={"account": each}).text for each in (BOSS, BOSS.upper(), ANNA)
    )
    assert same == also != other


def test_the_id_of_a_primary_calendar_has_no_case(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    assert calendar_api.post(f"/calendars/{OTHER_CASE}/events", json=timed(id="abcde")).status_code == 200
    assert calendar_api.get(f"/calendars/{ANNA}/events/abcde").json()["organizer"]["email"] == ANNA
    assert calendar_api.get(f"/users/me/calendarList/{OTHER_CASE}").json()["id"] == ANNA
    shared = {"summary": "Boss", "id": BOSS, "accessRole": "reader"}
    controls_http.post(f"/accounts/{ANNA}/calendars", json=shared)
    assert calendar_api.get(f"/calendars/{BOSS.upper()}").json()["id"] == BOSS
    for taken in (BOSS.title(), OTHER_CASE):
        again = controls_http.post(f"/accounts/{ANNA}/calendars", json=shared | {"id": taken})
        assert reason(again)[0] == 400
    slots = calendar_api.post("/freeBusy", json=QUERY | {"items": [{"id": OTHER_CASE}]}).json()["calendars"]
    assert len(slots[OTHER_CASE]["busy"]) == 1


def test_the_primary_calendar_of_another_account_stays_out_of_reach_in_any_case(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    controls_http.post("/accounts", json={"email": BOSS})
    assert reason(calendar_api.get(f"/calendars/{BOSS.upper()}")) == (404, "notFound")


def test_a_former_address_belongs_to_its_account_in_any_case(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    assert controls_http.patch(f"/accounts/{OTHER_CASE}", json={"email": NEW}).json()["email"] == NEW
    assert reason(controls_http.post("/accounts", json={"email": OTHER_CASE}))[0] == 400
    controls_http.post("/accounts", json={"email": BOSS})
    for taken in (OTHER_CASE, NEW.upper()):
        assert reason(controls_http.patch(f"/accounts/{BOSS}", json={"email": taken}))[0] == 400
    assert reason(calendar_api.get(f"/calendars/{OTHER_CASE}")) == (404, "notFound")
    controls_http.patch("/behaviour", json={"former_address": "alias"})
    assert calendar_api.get(f"/calendars/{OTHER_CASE}").json()["id"] == NEW
    assert controls_http.patch(f"/accounts/{NEW}", json={"email": OTHER_CASE}).json()["email"] == OTHER_CASE
    assert calendar_api.get("/calendars/primary").json()["id"] == OTHER_CASE


def test_faults_and_calls_are_found_by_an_address_in_any_case(
    calendar_api: ApiClient, controls_http: httpx.Client, sign_in: SignIn
) -> None:
    controls_http.post("/accounts", json={"email": BOSS})
    fault = {"method": "events.list", "kind": "backendError", "account": OTHER_CASE, "calendar": OTHER_CASE}
    controls_http.post("/faults", json=fault | {"probability": 1})
    assert sign_in("calendar", email=BOSS).get("/calendars/primary/events").status_code == 200
    assert reason(calendar_api.get("/calendars/primary/events"))[1] == "backendError"
    calls = controls_http.get("/calls", params={"account": OTHER_CASE, "method": "events.list"}).json()
    assert (len(calls["items"]), calls["totals"]["events.list"]) == (1, 1)


@pytest.mark.parametrize("email", [ANNA, OTHER_CASE])
def test_the_account_of_a_login_hint_is_found_in_any_case(local_google: RunningLocalGoogle, email: str) -> None:
    wanted = {
        "client_id": "app",
        "redirect_uri": "http://127.0.0.1:1/back",
        "response_type": "code",
        "scope": "openid",
        "login_hint": email,
    }
    page = httpx.get(f"{local_google.url}/o/oauth2/v2/auth", params=wanted)
    assert f'value="{ANNA}"' in page.text
