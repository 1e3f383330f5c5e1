"""freebusy.query."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason, timed

WEEK = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-08T00:00:00Z"}


def busy(calendar_api: ApiClient, calendar_path: str, **more: object) -> list[tuple[str, str]]:
    calendar_id = calendar_path.removeprefix("/calendars/")
    response = calendar_api.post("/freeBusy", json=WEEK | more | {"items": [{"id": calendar_id}]})
    assert response.status_code == 200, response.text
    return [(slot["start"], slot["end"]) for slot in response.json()["calendars"][calendar_id]["busy"]]


def add(calendar_api: ApiClient, calendar_path: str, start: str, end: str, **more: object) -> None:
    assert calendar_api.post(f"{calendar_path}/events", json=timed(start, end, **more)).status_code == 200


def test_overlapping_and_touching_times_are_merged(calendar_api: ApiClient, calendar_path: str) -> None:
    for start, end in (
        ("10:00", "11:00"),
        ("10:30", "12:00"),
        ("12:00", "13:00"),
        ("14:00", "15:00"),
        ("14:10", "14:20"),
    ):
        add(calendar_api, calendar_path, f"2026-12-02T{start}:00Z", f"2026-12-02T{end}:00Z")
    assert busy(calendar_api, calendar_path) == [
        ("2026-12-02T10:00:00Z", "2026-12-02T13:00:00Z"),
        ("2026-12-02T14:00:00Z", "2026-12-02T15:00:00Z"),
    ]


def test_times_are_cut_to_the_range(calendar_api: ApiClient, calendar_path: str) -> None:
    add(calendar_api, calendar_path, "2026-11-01T00:00:00Z", "2026-12-25T00:00:00Z")
    assert busy(calendar_api, calendar_path) == [("2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z")]


@pytest.mark.parametrize(
    "free",
    [
        {"transparency": "transparent"},
        {"status": "cancelled"},
        {"eventType": "workingLocation"},
    ],
)
def test_some_events_take_no_time(calendar_api: ApiClient, calendar_path: str, free: dict[str, object]) -> None:
    add(calendar_api, calendar_path, "2026-12-02T10:00:00Z", "2026-12-02T11:00:00Z", **free)
    assert busy(calendar_api, calendar_path) == []


def test_tentative_events_and_events_that_others_declined_take_time(
    calendar_api: ApiClient, calendar_path: str
) -> None:
    add(calendar_api, calendar_path, "2026-12-02T10:00:00Z", "2026-12-02T11:00:00Z", status="tentative")
    guests = [{"email": "guest@x.y", "responseStatus": "declined"}]
    add(calendar_api, calendar_path, "2026-12-03T10:00:00Z", "2026-12-03T11:00:00Z", attendees=guests)
    assert len(busy(calendar_api, calendar_path)) == 2


BOSS = "boss@example.com"
TOURS = "c_tours@group.calendar.google.com"


@pytest.mark.parametrize(
    ("calendar_id", "declined", "slots"),
    [
        ("primary", ANNA, 0),
        ("primary", ANNA.upper(), 0),
        ("primary", BOSS, 1),
        (TOURS, ANNA, 1),
        (TOURS, TOURS, 0),
        (BOSS, BOSS.title(), 0),
        (BOSS, ANNA, 1),
    ],
)
def test_an_event_takes_no_time_once_its_own_calendar_has_declined_it(
    calendar_api: ApiClient,
    controls_http: httpx.Client,
    calendar_id: str,
    declined: str,
    slots: int,
) -> None:
    for each, role in ((BOSS, "reader"), (TOURS, "owner")):
        controls_http.post(f"/accounts/{ANNA}/calendars", json={"summary": each, "id": each, "accessRole": role})
    path = f"/calendars/{calendar_id}"
    other = BOSS if declined.lower() == ANNA else ANNA
    guests = [{"email": declined, "responseStatus": "declined"}, {"email": other, "responseStatus": "accepted"}]
    body = timed("2026-12-02T10:00:00Z", "2026-12-02T11:00:00Z", attendees=guests)
    controls_http.post(f"/accounts/{ANNA}{path}/events", json=body).raise_for_status()
    assert len(busy(calendar_api, path)) == slots
    (event,) = calendar_api.get(f"{path}/events").json()["items"]
    own = [guest["responseStatus"] for guest in event["attendees"] if guest.get("self")]
    assert (own == ["declined"]) == (slots == 0), "what `self` shows, and what free/busy says"


def test_a_whole_day_is_a_day_of_the_calendars_zone(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json={"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}})
    assert busy(calendar_api, calendar_path) == [("2026-12-01T23:00:00Z", "2026-12-02T23:00:00Z")]
    in_oslo = [("2026-12-02T00:00:00+01:00", "2026-12-03T00:00:00+01:00")]
    assert busy(calendar_api, calendar_path, timeZone="Europe/Oslo") == in_oslo


def test_a_day_of_the_change_to_summer_time_has_23_hours(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json={"start": {"date": "2027-03-28"}, "end": {"date": "2027-03-29"}})
    spring = {"timeMin": "2027-03-27T00:00:00Z", "timeMax": "2027-03-31T00:00:00Z"}
    assert busy(calendar_api, calendar_path, **spring) == [("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z")]


def test_a_failed_calendar_looks_free_but_for_its_errors(calendar_api: ApiClient) -> None:
    answer = calendar_api.post("/freeBusy", json=WEEK | {"items": [{"id": "primary"}, {"id": "nobody@x.y"}]}).json()
    assert answer["calendars"] == {
        "primary": {"busy": []},
        "nobody@x.y": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
    }
    assert "groups" not in answer
    assert (answer["timeMin"], answer["timeMax"]) == ("2026-12-01T00:00:00.000Z", "2026-12-08T00:00:00.000Z")


def test_the_51st_calendar_is_one_too_many(calendar_api: ApiClient) -> None:
    items = [{"id": f"{number}@x.y"} for number in range(51)]
    calendars = calendar_api.post("/freeBusy", json=WEEK | {"items": items}).json()["calendars"]
    reasons = [calendars[item["id"]]["errors"][0]["reason"] for item in items]
    assert reasons == ["notFound"] * 50 + ["tooManyCalendarsRequested"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"timeMax": "2026-12-01T00:00:00Z"}, "timeRangeEmpty"),
        ({"timeMax": "2027-03-02T00:00:00Z"}, "timeRangeTooLong"),
        ({"timeMax": None}, "required"),
        ({"timeMax": "2026-12-08T00:00:00"}, "badRequest"),
        ({"timeZone": "Mars/Base"}, "invalid"),
        ({"calendarExpansionMax": 51}, "invalid"),
        ({"groupExpansionMax": 101}, "invalid"),
    ],
)
def test_a_bad_query_is_refused(calendar_api: ApiClient, change: dict[str, object], why: str) -> None:
    assert reason(calendar_api.post("/freeBusy", json=WEEK | {"items": []} | change)) == (400, why)


def test_nulls_are_as_good_as_nothing(calendar_api: ApiClient, calendar_path: str) -> None:
    assert busy(calendar_api, calendar_path, groupExpansionMax=None, calendarExpansionMax=None, timeZone=None) == []


def test_the_longest_range_is_a_switch(
    calendar_api: ApiClient, controls_http: httpx.Client, calendar_path: str
) -> None:
    ninety_days = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2027-03-01T00:00:00Z"}
    assert busy(calendar_api, calendar_path, **ninety_days) == []
    controls_http.patch("/behaviour", json={"freebusy_max_days": 89})
    assert reason(calendar_api.post("/freeBusy", json=ninety_days | {"items": []})) == (400, "timeRangeTooLong")


def test_generated_calendars_have_no_busy_times(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    holidays = "en.norwegian#holiday@group.v.calendar.google.com"
    controls_http.post(
        f"/accounts/{ANNA}/calendars", json={"summary": "Holidays", "id": holidays, "accessRole": "reader"}
    )
    answer = calendar_api.post("/freeBusy", json=WEEK | {"items": [{"id": holidays}]}).json()
    assert answer["calendars"][holidays]["errors"][0]["reason"] == "notFound"
