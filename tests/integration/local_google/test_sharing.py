"""Calendars that are shared with another account: one data owner, several people with roles."""

import httpx
import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed

BEN = "ben@example.com"


@pytest.fixture
def ben(controls_http: httpx.Client, local_google: RunningLocalGoogle, sign_in: SignIn) -> ApiClient:
    controls_http.post("/accounts", json={"email": BEN})
    return sign_in("calendar", email=BEN)


@pytest.fixture
def path(calendar_api: ApiClient) -> str:
    """The path of a calendar of Anna's."""
    return f"/calendars/{calendar_api.post('/calendars', json={'summary': 'Tours'}).json()['id']}"


def share(controls_http: httpx.Client, path: str, role: str, email: str = BEN) -> httpx.Response:
    rule = {"role": role, "scope": {"type": "user", "value": email}}
    return controls_http.post(f"/accounts/{ANNA}{path}/acl", json=rule)


def listed(user: ApiClient) -> dict[str, tuple[str, str | None]]:
    """Return role and data owner of each calendar on the user's list."""
    entries = user.get("/users/me/calendarList").json()["items"]
    return {entry["id"]: (entry["accessRole"], entry.get("dataOwner")) for entry in entries}


def test_a_shared_calendar_is_on_both_lists_and_has_one_data_owner(
    ben: ApiClient, calendar_api: ApiClient, path: str, controls_http: httpx.Client
) -> None:
    assert reason(ben.get(path)) == (404, "notFound")
    rules = share(controls_http, path, "owner").json()["items"]
    assert [(each["scope"]["value"], each["role"]) for each in rules] == [(ANNA, "owner"), (BEN, "owner")]
    assert controls_http.get(f"/accounts/{ANNA}{path}/acl").json()["items"] == rules
    calendar_id = path.rpartition("/")[2]
    assert listed(ben) == {BEN: ("owner", None), calendar_id: ("owner", ANNA)}
    assert listed(calendar_api)[calendar_id] == ("owner", ANNA)
    assert ben.get(path).json()["dataOwner"] == ANNA
    assert ben.post(f"{path}/events", json=timed(id="abcde")).status_code == 200
    assert calendar_api.get(f"{path}/events/abcde").json()["creator"]["email"] == BEN
    assert [each["id"] for each in controls_http.get(f"/accounts/{BEN}/calendars").json()["items"]] == [BEN]


def test_each_person_may_do_what_the_own_role_allows(
    ben: ApiClient, calendar_api: ApiClient, path: str, controls_http: httpx.Client
) -> None:
    share(controls_http, path, "reader")
    calendar_api.post(f"{path}/events", json=timed(id="abcde"))
    assert ben.get(f"{path}/events").json()["accessRole"] == "reader"
    assert reason(ben.delete(f"{path}/events/abcde")) == (403, "requiredAccessLevel")
    share(controls_http, path, "freeBusyReader")
    assert "summary" not in ben.get(f"{path}/events/abcde").json()
    share(controls_http, path, "writer")
    assert ben.delete(f"{path}/events/abcde").status_code == 204


def test_only_the_data_owner_deletes_a_calendar_and_then_it_is_gone_for_all(
    ben: ApiClient, calendar_api: ApiClient, path: str, controls_http: httpx.Client
) -> None:
    share(controls_http, path, "owner")
    assert reason(ben.delete(path)) == (403, "requiredAccessLevel")
    assert calendar_api.delete(path).status_code == 204
    assert listed(ben) == {BEN: ("owner", None)}


@pytest.mark.parametrize(("ended", "answer"), [("not_found", (404, "notFound")), ("forbidden", (403, "forbidden"))])
def test_a_calendar_is_out_of_reach_once_it_is_shared_no_more(
    ben: ApiClient, path: str, controls_http: httpx.Client, ended: str, answer: tuple[int, str]
) -> None:
    controls_http.patch("/behaviour", json={"ended_access": ended})
    share(controls_http, path, "owner")
    share(controls_http, path, "none")
    assert reason(ben.get(path)) == answer
    assert controls_http.get(f"/accounts/{BEN}{path}").status_code == 404
    assert listed(ben) == {BEN: ("owner", None)}


def test_a_new_address_of_one_person_changes_no_data_owner_of_another(
    ben: ApiClient, path: str, controls_http: httpx.Client, sign_in: SignIn
) -> None:
    share(controls_http, path, "owner")
    controls_http.patch(f"/accounts/{BEN}", json={"email": "benjamin@example.com"})
    renamed = sign_in("calendar", email="benjamin@example.com")
    assert listed(renamed)[path.rpartition("/")[2]] == ("owner", ANNA)


@pytest.mark.parametrize(
    ("role", "email", "said"),
    [("king", BEN, "role"), ("owner", ANNA, "own"), ("owner", "nobody@example.com", "nobody")],
)
def test_a_rule_that_cannot_be_is_refused(  # noqa: PLR0913, PLR0917  fixtures
    ben: ApiClient, path: str, controls_http: httpx.Client, role: str, email: str, said: str
) -> None:
    refused = share(controls_http, path, role, email)
    assert refused.is_client_error
    assert said in refused.json()["error"]["message"]
    primary = share(controls_http, "/calendars/primary", "reader")
    assert "secondary" in primary.json()["error"]["message"]
    other = controls_http.post(f"/accounts/{BEN}{path}/acl", json={"role": "owner", "scope": {"value": ANNA}})
    assert other.status_code == 404


def test_a_person_is_notified_of_changes_in_a_shared_calendar(
    ben: ApiClient, calendar_api: ApiClient, path: str, controls_http: httpx.Client, local_google: RunningLocalGoogle
) -> None:
    share(controls_http, path, "reader")
    watch = {"id": "ben-1", "type": "web_hook", "address": "http://127.0.0.1:9/"}
    assert ben.post(f"{path}/events/watch", json=watch).status_code == 200
    before = local_google.google.channels.get("app", "ben-1")
    calendar_api.post(f"{path}/events", json=timed())
    after = local_google.google.channels.get("app", "ben-1")
    assert before
    assert after
    assert after.last_number == before.last_number + 1
