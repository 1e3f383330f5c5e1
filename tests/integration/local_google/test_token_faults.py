"""Refusals of the token endpoint by reason and account, and errors with several entries."""

from typing import Any

import httpx
import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from localgoogle.protocol.token_errors import TOKEN_REASONS
from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA, ApiClient, reason, timed

BO = "bo@example.com"


def set_fault(controls_http: httpx.Client, **fault: object) -> None:
    response = controls_http.post("/faults", json=fault)
    assert response.status_code == 201, response.text


def refresh_form(controls_http: httpx.Client, email: str = ANNA) -> dict[str, str]:
    controls_http.post("/accounts", json={"email": email})
    grant = controls_http.post(f"/accounts/{email}/grant", json={"client_id": "app", "scopes": ["openid"]}).json()
    token = grant["refresh_token"]
    return {"grant_type": "refresh_token", "client_id": "app", "client_secret": "x", "refresh_token": token}


@pytest.mark.parametrize(
    ("kind", "error", "subtype"),
    [
        ("invalid_grant", "invalid_grant", None),
        ("invalid_rapt", "invalid_grant", "invalid_rapt"),
        ("admin_policy_enforced", "admin_policy_enforced", None),
        ("policy_enforced", "policy_enforced", None),
        ("org_internal", "org_internal", None),
    ],
)
def test_a_refresh_is_refused_as_google_does_and_works_again_afterwards(
    local_google: RunningLocalGoogle, controls_http: httpx.Client, kind: str, error: str, subtype: str | None
) -> None:
    form = refresh_form(controls_http)
    set_fault(controls_http, method="oauth2.token", kind=kind, account=ANNA, probability=1)
    refused = httpx.post(f"{local_google.url}/token", data=form)
    assert (refused.status_code, refused.json()["error"], refused.json().get("error_subtype")) == (400, error, subtype)
    controls_http.delete("/faults")
    assert "access_token" in httpx.post(f"{local_google.url}/token", data=form).json()


@pytest.mark.parametrize("kind", sorted(TOKEN_REASONS))
def test_googles_library_takes_each_refusal_for_a_lasting_one(
    local_google: RunningLocalGoogle, controls_http: httpx.Client, kind: str
) -> None:
    form = refresh_form(controls_http)
    credentials = Credentials(  # type: ignore[no-untyped-call]  # google-auth's
        None,
        refresh_token=form["refresh_token"],
        token_uri=f"{local_google.url}/token",
        client_id="app",
        client_secret="x",
    )
    set_fault(controls_http, kind=kind, account=ANNA)
    with pytest.raises(RefreshError) as refused:
        credentials.refresh(Request())  # type: ignore[no-untyped-call]  # google-auth's
    assert not refused.value.retryable


def test_a_refusal_concerns_one_account_and_is_in_the_log(
    local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    anna, bo = refresh_form(controls_http), refresh_form(controls_http, BO)
    set_fault(controls_http, kind="policy_enforced", account=BO, count=2)
    answers = [httpx.post(f"{local_google.url}/token", data=form).status_code for form in (anna, bo, anna, bo, bo)]
    assert answers == [200, 400, 200, 400, 200]
    calls = controls_http.get("/calls", params={"method": "oauth2.token"}).json()["items"]
    assert [(call["status"], call["reason"]) for call in calls] == [
        (200, ""),
        (400, "policy_enforced"),
        (200, ""),
        (400, "policy_enforced"),
        (200, ""),
    ]


def test_the_account_is_known_at_the_other_endpoints_too(
    local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    form = refresh_form(controls_http)
    access = httpx.post(f"{local_google.url}/token", data=form).json()["access_token"]
    for method in ("oauth2.userinfo", "oauth2.revoke"):
        set_fault(controls_http, method=method, kind="backendError", account=BO)
        set_fault(controls_http, method=method, kind="backendError", account=ANNA, status=503)
    header = {"Authorization": f"Bearer {access}"}
    assert httpx.get(f"{local_google.url}/oauth2/v3/userinfo", headers=header).status_code == 503
    assert httpx.post(f"{local_google.url}/revoke", params={"token": access}).status_code == 503


def test_a_user_without_a_calendar_is_refused(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    set_fault(controls_http, method="events.delete", kind="notACalendarUser", account=ANNA)
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    refused = calendar_api.delete("/calendars/primary/events/abcde")
    assert reason(refused) == (403, "notACalendarUser")
    assert refused.json()["error"]["errors"][0]["domain"] == "calendar"


def test_an_error_has_up_to_four_entries_and_is_named_by_the_first(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    further = ["required", "badRequest", "invalid"]
    set_fault(controls_http, method="colors.get", kind="forbidden", further=further)
    error = calendar_api.get("/colors").json()["error"]
    assert [entry["reason"] for entry in error["errors"]] == ["forbidden", *further]
    assert (error["code"], error["message"]) == (403, "Forbidden")


def test_a_calendar_in_free_busy_has_up_to_four_errors(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    set_fault(controls_http, kind="freebusy_error", reason="notFound", further=["internalError", "isNew", "isNewer"])
    query = {"timeMin": "2027-01-01T00:00:00Z", "timeMax": "2027-01-02T00:00:00Z", "items": [{"id": "primary"}]}
    answer = calendar_api.post("/freeBusy", json=query).json()["calendars"]["primary"]
    assert [each["reason"] for each in answer["errors"]] == ["notFound", "internalError", "isNew", "isNewer"]
    assert answer["busy"] == []


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"method": "events.insert", "kind": "invalid_grant"}, "method"),
        ({"kind": "drop", "further": ["required"]}, "further"),
        ({"kind": "forbidden", "further": ["explosion"]}, "further"),
        ({"kind": "forbidden", "further": ["required"] * 4}, "further"),
    ],
)
def test_what_no_error_of_google_has_is_refused(
    local_google: Any, controls_http: httpx.Client, fault: dict[str, object], field: str
) -> None:
    response = controls_http.post("/faults", json=fault)
    assert response.status_code == 400
    assert field in response.json()["error"]["message"]
