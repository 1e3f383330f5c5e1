"""What people do in Google by hand: move and restore events, hide calendars, and edit calendars that the user reads."""

from collections.abc import Callable

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed

QUERY = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z"}
HOURS = (("start", "09"), ("end", "10"))
LIST = f"/accounts/{ANNA}/calendarList"

ByHand = Callable[..., httpx.Response]


@pytest.fixture
def by_hand(controls_http: httpx.Client) -> ByHand:
    """Edits something of Anna's: ``by_hand("POST", path, body)``."""
    return lambda verb, path, body=None: controls_http.request(verb, f"/accounts/{ANNA}{path}", json=body or {})


@pytest.fixture
def event_path(calendar_api: ApiClient, calendar_path: str) -> str:
    """The path of an event that the app made."""
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde"))
    return f"{calendar_path}/events/abcde"


def holds(calendar_api: ApiClient, path: str) -> list[str]:
    return [event["id"] for event in calendar_api.get(f"{path}/events").json()["items"]]


def test_an_event_is_dragged_to_another_calendar_and_back(
    calendar_api: ApiClient, calendar_path: str, event_path: str, by_hand: ByHand
) -> None:
    other = calendar_api.post("/calendars", json={"summary": "Boat"}).json()["id"]
    moved = by_hand("POST", f"{event_path}/move", {"destination": other})
    assert (moved.status_code, moved.json()["organizer"]["email"]) == (200, other)
    assert calendar_api.get(event_path).json()["status"] == "cancelled"
    assert (holds(calendar_api, calendar_path), holds(calendar_api, f"/calendars/{other}")) == ([], ["abcde"])
    back = by_hand("POST", f"/calendars/{other}/events/abcde/move", {"destination": calendar_path.rpartition("/")[2]})
    assert back.status_code == 200
    assert (holds(calendar_api, calendar_path), holds(calendar_api, f"/calendars/{other}")) == (["abcde"], [])


def test_a_move_needs_a_calendar_of_the_user_without_the_event(
    calendar_api: ApiClient, event_path: str, by_hand: ByHand
) -> None:
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    assert reason(by_hand("POST", f"{event_path}/move", {"destination": "primary"})) == (409, "duplicate")
    assert reason(by_hand("POST", f"{event_path}/move", {"destination": "nowhere"})) == (404, "notFound")
    assert reason(by_hand("POST", f"{event_path}/move")) == (400, "required")


@pytest.mark.parametrize("resurrect", ["allow", "ignore", "refuse"])
def test_an_event_comes_back_from_the_bin_as_it_was(
    calendar_api: ApiClient, controls_http: httpx.Client, event_path: str, by_hand: ByHand, resurrect: str
) -> None:
    controls_http.patch("/behaviour", json={"resurrect": resurrect})
    token = calendar_api.get(event_path.removesuffix("/abcde")).json()["nextSyncToken"]
    calendar_api.delete(event_path)
    assert by_hand("POST", f"{event_path}/restore").json()["status"] == "confirmed"
    event = calendar_api.get(event_path).json()
    assert (event["status"], event["summary"], event["sequence"]) == ("confirmed", "Tour", 2)
    synced = calendar_api.get(event_path.removesuffix("/abcde"), params={"syncToken": token}).json()
    assert [each["status"] for each in synced["items"]] == ["confirmed"]


def test_a_tentative_event_comes_back_as_tentative(
    calendar_api: ApiClient, calendar_path: str, by_hand: ByHand
) -> None:
    path = f"{calendar_path}/events/abcde"
    calendar_api.post(f"{calendar_path}/events", json=timed(id="abcde", status="tentative"))
    calendar_api.delete(path)
    assert by_hand("POST", f"{path}/restore").json()["status"] == "tentative"
    calendar_api.patch(path, json={"status": "cancelled"})
    calendar_api.put(path, json=timed())
    assert by_hand("POST", f"{path}/restore").json()["status"] == "tentative"


def test_an_event_that_was_dragged_away_is_in_the_bin_of_the_other_calendar(
    calendar_api: ApiClient, calendar_path: str, event_path: str, by_hand: ByHand
) -> None:
    other = "/calendars/primary/events/abcde"
    by_hand("POST", f"{event_path}/move", {"destination": "primary"})
    by_hand("DELETE", other)
    calendar_api.put(event_path, json=timed())
    assert "moved" in by_hand("POST", f"{event_path}/restore").json()["error"]["message"]
    assert by_hand("POST", f"{other}/restore").status_code == 200
    by_hand("POST", f"{other}/move", {"destination": calendar_path.rpartition("/")[2]})
    by_hand("DELETE", event_path)
    assert "moved" in by_hand("POST", f"{other}/restore").json()["error"]["message"]
    assert by_hand("POST", f"{event_path}/restore").json()["status"] == "confirmed"


def test_only_what_is_in_the_bin_comes_back(calendar_api: ApiClient, event_path: str, by_hand: ByHand) -> None:
    assert reason(by_hand("POST", f"{event_path}/restore"))[0] == 400
    assert reason(by_hand("POST", f"{event_path}x/restore")) == (404, "notFound")
    by_hand("POST", f"{event_path}/move", {"destination": "primary"})
    assert "moved" in by_hand("POST", f"{event_path}/restore").json()["error"]["message"]
    calendar_api.delete("/calendars/primary/events/abcde")
    assert by_hand("POST", "/calendars/primary/events/abcde/restore").status_code == 200


def test_a_deleted_occurrence_comes_back_too(calendar_api: ApiClient, by_hand: ByHand) -> None:
    times = {name: {"dateTime": f"2026-12-01T{hour}:00:00", "timeZone": "UTC"} for name, hour in HOURS}
    calendar_api.post(
        "/calendars/primary/events", json=timed(id="series", recurrence=["RRULE:FREQ=DAILY;COUNT=2"]) | times
    )
    path = "/calendars/primary/events/series_20261202T090000Z"
    assert by_hand("DELETE", path).status_code == 204
    assert calendar_api.get(path).json()["status"] == "cancelled"
    assert by_hand("POST", f"{path}/restore").status_code == 200
    assert calendar_api.get(path).json()["status"] == "confirmed"


def test_an_occurrence_of_a_series_that_was_dragged_away_is_not_in_the_bin(
    calendar_api: ApiClient, calendar_path: str, by_hand: ByHand
) -> None:
    times = {name: {"dateTime": f"2026-12-01T{hour}:00:00", "timeZone": "UTC"} for name, hour in HOURS}
    rule = ["RRULE:FREQ=DAILY;COUNT=2"]
    calendar_api.post("/calendars/primary/events", json=timed(id="series", recurrence=rule) | times)
    occurrence = "series_20261202T090000Z"
    by_hand("PATCH", f"/calendars/primary/events/{occurrence}", {"status": "tentative"})
    by_hand("POST", "/calendars/primary/events/series/move", {"destination": calendar_path.rpartition("/")[2]})
    by_hand("DELETE", f"{calendar_path}/events/{occurrence}")
    there = by_hand("POST", f"/calendars/primary/events/{occurrence}/restore")
    assert "moved" in there.json()["error"]["message"]
    assert by_hand("POST", f"{calendar_path}/events/{occurrence}/restore").json()["status"] == "tentative"


def test_a_hidden_calendar_is_off_the_list_but_in_reach(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    def listed(**params: str) -> set[str]:
        return {entry["id"] for entry in calendar_api.get("/users/me/calendarList", params=params).json()["items"]}

    calendar_id = calendar_path.rpartition("/")[2]
    token = calendar_api.get("/users/me/calendarList").json()["nextSyncToken"]
    assert controls_http.patch(f"{LIST}/{calendar_id}", json={"hidden": True}).json()["hidden"] is True
    assert (listed(), listed(showHidden="true")) == ({ANNA}, {ANNA, calendar_id})
    assert calendar_api.get("/users/me/calendarList", params={"syncToken": token}).json()["items"][0]["hidden"] is True
    assert calendar_api.post(f"{calendar_path}/events", json=timed()).status_code == 200
    shown = controls_http.patch(f"{LIST}/{calendar_id}", json={"hidden": False}).json()
    assert "hidden" not in shown
    assert listed() == {ANNA, calendar_id}


def test_a_calendar_is_taken_off_the_list_and_put_back(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client
) -> None:
    calendar_id = calendar_path.rpartition("/")[2]
    assert controls_http.delete(f"{LIST}/{calendar_id}").status_code == 204
    assert reason(calendar_api.get(f"/users/me/calendarList/{calendar_id}")) == (404, "notFound")
    assert calendar_api.get(calendar_path).status_code == 200
    assert controls_http.post(LIST, json={"id": calendar_id}).status_code == 201
    assert len(controls_http.get(LIST).json()["items"]) == 2


def test_another_person_edits_a_calendar_that_the_user_only_reads(calendar_api: ApiClient, by_hand: ByHand) -> None:
    shared = {"summary": "Harbour", "id": "harbour@group.calendar.google.com", "accessRole": "reader"}
    by_hand("POST", "/calendars", shared)
    path = f"/calendars/{shared['id']}/events"
    assert by_hand("POST", path, timed(id="abcde")).status_code == 201
    assert by_hand("POST", path, timed(id="secret", visibility="private")).status_code == 201
    assert by_hand("PATCH", f"{path}/abcde", {"summary": "Dredging"}).status_code == 200
    shown = {event["id"]: event.get("summary") for event in calendar_api.get(path).json()["items"]}
    assert shown == {"abcde": "Dredging", "secret": None}
    answer = calendar_api.post("/freeBusy", json=QUERY | {"items": [{"id": shared["id"]}]}).json()
    assert len(answer["calendars"][shared["id"]]["busy"]) == 1
    assert reason(calendar_api.post(path, json=timed())) == (403, "requiredAccessLevel")
    assert by_hand("DELETE", f"{path}/abcde").status_code == 204


def test_a_calendar_without_details_shows_times_only(calendar_api: ApiClient, by_hand: ByHand, sign_in: SignIn) -> None:
    by_hand("POST", "/calendars", {"summary": "Boss", "id": "boss@example.com", "accessRole": "freeBusyReader"})
    by_hand("POST", "/calendars/boss@example.com/events", timed(id="abcde"))
    for client in (calendar_api, sign_in("calendar.events.readonly")):
        (event,) = client.get("/calendars/boss@example.com/events").json()["items"]
        assert ("summary" in event, event["start"]["dateTime"]) == (False, "2026-12-01T11:00:00+01:00")
