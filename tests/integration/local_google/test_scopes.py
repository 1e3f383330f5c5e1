"""The scopes of a token."""

import httpx
import pytest

from localgoogle.api.methods import HANDLERS
from localgoogle.protocol.discovery import calendar_v3
from tests.support.local_google import ANNA, AUTH, ApiClient, SignIn, reason, timed

DETAILS = {"summary": "Dentist", "description": "Root canal", "location": "Oslo", "attendees": [{"email": "x@y.z"}]}


def call(calendar_api: ApiClient, method_id: str) -> httpx.Response:
    method = calendar_v3().methods[method_id]
    values = {"calendarId": "primary", "eventId": "never0", "setting": "timezone", "ruleId": "x"}
    path = method.path.pattern.replace("\\", "")
    for name, value in values.items():
        path = path.replace(f"(?P<{name}>[^/]+)", value)
    return calendar_api.request(method.verb, f"/{path}")


@pytest.mark.parametrize("method_id", sorted(HANDLERS))
def test_each_method_refuses_a_token_without_one_of_its_scopes(sign_in: SignIn, method_id: str) -> None:
    every = {scope for method in calendar_v3().methods.values() for scope in method.scopes}
    others = [s.removeprefix(AUTH) for s in every - calendar_v3().methods[method_id].scopes] or ["drive"]
    response = call(sign_in(*others), method_id)
    error = response.json()["error"]
    assert reason(response) == (403, "insufficientPermissions")
    assert error["status"] == "PERMISSION_DENIED"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    resource, verb = method_id.split(".")
    expected = f"calendar.v3.{resource[0].upper()}{resource[1:]}.{verb[0].upper()}{verb[1:]}"
    assert error["details"][0]["metadata"] == {"service": "calendar-json.googleapis.com", "method": expected}


@pytest.mark.parametrize(
    ("method_id", "status"),
    [("events.list", 200), ("freebusy.query", 400), ("calendarList.list", 200), ("channels.stop", 404)],
)
def test_each_scope_of_a_method_is_enough(sign_in: SignIn, method_id: str, status: int) -> None:
    """A call without body passes the check of scopes; the status is that of its missing parameters."""
    scopes = calendar_v3().methods[method_id].scopes
    cannot_see_primary = {f"{AUTH}calendar.app.created", f"{AUTH}calendar.events.public.readonly"}
    assert scopes
    for scope in scopes:
        response = call(sign_in(scope.removeprefix(AUTH)), method_id)
        assert response.status_code == (404 if scope in cannot_see_primary else status), scope


def test_no_token_and_a_wrong_token_have_different_answers(calendar_api: ApiClient) -> None:
    wrong = calendar_api.get("/colors", headers={"Authorization": "Bearer nonsense"})
    assert (wrong.status_code, wrong.json()) == (
        401,
        {
            "error": {
                "errors": [
                    {
                        "domain": "global",
                        "reason": "authError",
                        "message": "Invalid Credentials",
                        "locationType": "header",
                        "location": "Authorization",
                    }
                ],
                "code": 401,
                "message": "Invalid Credentials",
                "status": "UNAUTHENTICATED",
            }
        },
    )
    missing = calendar_api.get("/colors", headers={"Authorization": ""})
    assert (reason(missing), missing.json()["error"]["message"]) == ((401, "required"), "Login Required.")


def test_app_created_sees_only_what_this_app_made(sign_in: SignIn, controls_http: httpx.Client) -> None:
    app, other = sign_in("calendar.app.created"), sign_in("calendar.app.created", client_id="other")
    mine = app.post("/calendars", json={"summary": "Mine"}).json()["id"]
    by_hand = controls_http.post(f"/accounts/{ANNA}/calendars", json={"summary": "By hand"}).json()["id"]
    assert app.post(f"/calendars/{mine}/events", json=timed()).status_code == 200
    assert app.get(f"/users/me/calendarList/{mine}").status_code == 200
    unseen = [
        other.get(f"/calendars/{mine}"),
        other.post(f"/calendars/{mine}/events", json=timed()),
        other.delete(f"/calendars/{mine}"),
        app.get(f"/calendars/{by_hand}"),
        app.get(f"/calendars/{by_hand}/events"),
        app.get("/calendars/primary/events"),
        app.get("/users/me/calendarList/primary"),
    ]
    assert [reason(response) for response in unseen] == [(404, "notFound")] * len(unseen)


def test_the_widest_scope_counts(sign_in: SignIn) -> None:
    both = sign_in("calendar.app.created", "calendar.events")
    assert both.post("/calendars/primary/events", json=timed()).status_code == 200


def test_freebusy_scope_shows_only_when_events_of_others_are(sign_in: SignIn, calendar_api: ApiClient) -> None:
    private = {"extendedProperties": {"private": {"a": "b"}}}
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde") | DETAILS | private)
    app = sign_in("calendar.app.created", "calendar.events.freebusy", client_id="slotsync")
    listed = app.get("/calendars/primary/events").json()
    single = app.get("/calendars/primary/events/abcde").json()
    assert listed["accessRole"] == "freeBusyReader"
    assert listed["items"] == [single]
    assert single["start"]["dateTime"] == "2026-12-01T11:00:00+01:00"
    hidden = {*DETAILS, "extendedProperties", "creator", "organizer", "htmlLink"}
    assert not hidden & single.keys()


def test_freebusy_scope_still_shows_all_of_the_apps_own(sign_in: SignIn) -> None:
    app = sign_in("calendar.app.created", "calendar.events.freebusy")
    mine = app.post("/calendars", json={"summary": "Mine"}).json()["id"]
    app.post(f"/calendars/{mine}/events", json=timed(id="abcde"))
    assert app.get(f"/calendars/{mine}/events").json()["items"][0]["summary"] == "Tour"


def test_freebusy_scope_can_be_refused_instead(sign_in: SignIn, controls_http: httpx.Client) -> None:
    controls_http.patch("/behaviour", json={"freebusy_scope_events": "refuse"})
    app = sign_in("calendar.app.created", "calendar.events.freebusy")
    mine = app.post("/calendars", json={"summary": "Mine"}).json()["id"]
    assert reason(app.get("/calendars/primary/events")) == (403, "forbidden")
    assert app.get(f"/calendars/{mine}/events").status_code == 200


def test_a_revoked_grant_ends_at_once(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    assert calendar_api.get("/colors").status_code == 200
    assert controls_http.post(f"/accounts/{ANNA}/revoke").status_code == 204
    assert reason(calendar_api.get("/colors")) == (401, "authError")


def test_methods_that_are_not_imitated_say_so(calendar_api: ApiClient) -> None:
    answered = {method_id: call(calendar_api, method_id).status_code for method_id in calendar_v3().methods}
    assert {name for name, status in answered.items() if status == 501} == answered.keys() - HANDLERS.keys()
