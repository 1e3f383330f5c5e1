"""The faults that can be set in the local Google."""

import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from googleapiclient.errors import HttpError

from localgoogle.protocol.errors import KNOWN_REASONS
from tests.support.clocks import SettableClock
from tests.support.http import tls
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed


def set_fault(controls_http: httpx.Client, **fault: object) -> None:
    response = controls_http.post("/faults", json=fault)
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("why", sorted(KNOWN_REASONS))
def test_every_known_error_can_be_had(calendar_api: ApiClient, controls_http: httpx.Client, why: str) -> None:
    set_fault(controls_http, method="colors.get", kind=why)
    response = calendar_api.get("/colors")
    error = response.json()["error"]
    assert reason(response) == (error["code"], why)
    assert error["errors"][0]["message"] == error["message"]
    assert response.content.startswith(b'{\n "error": {')
    assert response.headers["content-type"] == "application/json; charset=UTF-8"
    assert calendar_api.get("/colors").status_code == 200


def test_a_reason_with_two_statuses_can_have_either(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="colors.get", reason="rateLimitExceeded", status=429)
    set_fault(controls_http, method="colors.get", kind="rateLimitExceeded")
    assert [calendar_api.get("/colors").status_code for _ in range(3)] == [429, 403, 200]


def test_a_fault_concerns_only_its_method_account_and_calendar(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    set_fault(controls_http, method="events.list", kind="backendError", account="bo@example.com", count=9)
    set_fault(controls_http, method="events.list", kind="backendError", account=ANNA, calendar="primary", count=9)
    assert calendar_api.get(f"{calendar_path}/events").status_code == 200
    assert calendar_api.get(f"{calendar_path}/events/never").status_code == 404
    assert reason(calendar_api.get("/calendars/primary/events")) == (500, "backendError")
    assert reason(calendar_api.get(f"/calendars/{ANNA}/events")) == (500, "backendError")


def test_a_fault_of_the_primary_calendar_spares_the_others(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    set_fault(controls_http, method="events.list", kind="backendError", calendar="primary", count=9)
    assert calendar_api.get(f"{calendar_path}/events").status_code == 200
    assert calendar_api.get("/calendars/primary/events").status_code == 500


def test_a_fault_ends_with_its_count_or_when_it_is_taken_back(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    set_fault(controls_http, method="*", kind="backendError", count=2)
    assert [calendar_api.get("/colors").status_code for _ in range(3)] == [500, 500, 200]
    set_fault(controls_http, method="*", kind="backendError", count=100)
    assert calendar_api.get("/colors").status_code == 500
    controls_http.delete("/faults")
    assert calendar_api.get("/colors").status_code == 200


def test_chance_repeats_itself_with_its_seed(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    def run() -> list[int]:
        controls_http.delete("/faults")
        set_fault(controls_http, method="colors.get", kind="backendError", probability=0.5, seed=7)
        return [calendar_api.get("/colors").status_code for _ in range(20)]

    assert (first := run()) == run()
    assert set(first) == {200, 500}


def test_a_lost_response_was_done(calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="events.insert", kind="lost_response")
    with pytest.raises(httpx.RemoteProtocolError):
        calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    assert calendar_api.get(f"{calendar_path}/events/abcde").json()["status"] == "confirmed"


def test_the_answer_that_is_lost_may_be_an_error(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    set_fault(controls_http, method="events.delete", kind="lost_response")
    with pytest.raises(httpx.RemoteProtocolError):
        calendar_api.delete(f"{calendar_path}/events/never")
    call = controls_http.get("/calls", params={"method": "events.delete"}).json()["items"][0]
    assert (call["status"], call["reason"]) == (0, "notFound")


def test_a_dropped_request_was_not_done(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    set_fault(controls_http, method="events.insert", kind="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    assert reason(calendar_api.get(f"{calendar_path}/events/abcde")) == (404, "notFound")


def test_the_python_client_re_sends_a_lost_insert_behind_our_back(service: Any, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="events.insert", kind="lost_response")
    with pytest.raises(HttpError) as caught:
        service.events().insert(calendarId="primary", body=timed(id="abcde")).execute()
    assert caught.value.status_code == 409


def test_a_slow_answer_comes_late_and_right(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="colors.get", kind="slow", seconds=0.2)
    began = time.monotonic()
    assert calendar_api.get("/colors").status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_slow_answer_can_be_an_error(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="colors.get", kind="backendError")
    set_fault(controls_http, method="colors.get", kind="slow", seconds=0.1)
    began = time.monotonic()
    assert reason(calendar_api.get("/colors")) == (500, "backendError")
    assert time.monotonic() - began >= 0.1


def test_freebusy_can_fail_for_one_calendar_inside_of_a_good_answer(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    set_fault(
        controls_http,
        method="freebusy.query",
        kind="freebusy_error",
        reason="groupTooBig",
        calendar="primary",
        account=ANNA,
    )
    name = calendar_path.removeprefix("/calendars/")
    week = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-08T00:00:00Z"}
    answer = calendar_api.post("/freeBusy", json=week | {"items": [{"id": "primary"}, {"id": name}]}).json()[
        "calendars"
    ]
    assert answer["primary"] == {"errors": [{"domain": "global", "reason": "groupTooBig"}], "busy": []}
    assert answer[name] == {"busy": []}


def test_a_user_has_a_budget_of_calls_a_minute(
    calendar_api: ApiClient, sign_in: SignIn, controls_http: httpx.Client, clock: SettableClock
) -> None:
    set_fault(controls_http, kind="quota", per_user_per_minute=3)
    assert [calendar_api.get("/colors").status_code for _ in range(4)] == [200, 200, 200, 403]
    assert reason(calendar_api.get("/colors")) == (403, "userRateLimitExceeded")
    assert sign_in("calendar", client_id="another project").get("/colors").status_code == 200
    clock.advance(timedelta(seconds=61))
    assert calendar_api.get("/colors").status_code == 200


def test_a_project_has_a_budget_for_all_its_users(
    calendar_api: ApiClient, sign_in: SignIn, controls_http: httpx.Client
) -> None:
    controls_http.post("/accounts", json={"email": "bo@example.com"})
    bo = sign_in("calendar", email="bo@example.com")
    set_fault(controls_http, kind="quota", per_project_per_minute=2)
    codes = [client.get("/colors").status_code for client in (calendar_api, bo, calendar_api)]
    assert codes == [200, 200, 403]
    assert reason(bo.get("/colors")) == (403, "rateLimitExceeded")
    controls_http.delete("/faults")
    assert bo.get("/colors").status_code == 200


def test_googles_own_quota_holds_by_default(calendar_api: ApiClient) -> None:
    codes = [calendar_api.get("/colors").status_code for _ in range(601)]
    assert (codes[:600], codes[600]) == ([200] * 600, 403)


def test_the_token_endpoint_can_fail_and_is_in_the_log(
    local_google_server: Any, local_google: Any, controls_http: httpx.Client
) -> None:
    grant = controls_http.post(f"/accounts/{ANNA}/grant", json={"client_id": "app", "scopes": ["openid"]}).json()
    form = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "x", **grant}
    form.pop("scopes")
    set_fault(controls_http, method="oauth2.token", kind="backendError")
    set_fault(controls_http, method="oauth2.token", kind="lost_response")
    with httpx.Client(base_url=local_google.url, verify=tls()) as client:
        assert client.post("/token", data=form).status_code == 500
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/token", data=form)
        assert "access_token" in client.post("/token", data=form).json()
    calls = controls_http.get("/calls", params={"method": "oauth2.token"}).json()
    assert [call["status"] for call in calls["items"]] == [500, 0, 200]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"method": "events.insrt", "kind": "drop"}, "method"),
        ({"method": "events.insert", "kind": "explosion"}, "kind"),
        ({"method": "events.insert"}, "kind"),
        ({"method": "events.insert", "kind": "slow"}, "seconds"),
        ({"kind": "quota"}, "per_user_per_minute"),
        ({"method": "events.insert", "kind": "drop", "count": 0}, "count"),
        ({"method": "events.insert", "kind": "drop", "probability": 2}, "probability"),
        ({"method": "events.insert", "kind": "drop", "count": 1, "probability": 0.5}, "count, probability"),
        ({"method": "events.insert", "kind": "drop", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_fault_is_refused_by_the_name_of_its_field(
    local_google: Any, controls_http: httpx.Client, fault: dict[str, object], field: str
) -> None:
    response = controls_http.post("/faults", json=fault)
    assert response.status_code == 400
    assert field in response.json()["error"]["message"]


def test_faults_that_wait_can_be_seen(local_google: Any, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="events.insert", kind="drop", count=2)
    assert [(f["kind"], f["left"]) for f in controls_http.get("/faults").json()["items"]] == [("drop", 2)]
