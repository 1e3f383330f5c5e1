"""freebusy.query."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason, timed

WEEK = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-08T00:00:00Z"}


def busy(api: ApiClient, calendar: str, **more: object) -> list[tuple[str, str]]:
    calendar_id = calendar.removeprefix("/calendars/")
    response = api.post("/freeBusy", json=WEEK | more | {"items": [{"id": calendar_id}]})
    assert response.status_code == 200, response.text
    return [(slot["start"], slot["end"]) for slot in response.json()["calendars"][calendar_id]["busy"]]


def add(api: ApiClient, calendar: str, start: str, end: str, **more: object) -> None:
    assert api.post(f"{calendar}/events", json=timed(start, end, **more)).status_code == 200


def test_overlapping_and_touching_times_are_merged(api: ApiClient, calendar: str) -> None:
    for start, end in (
        ("10:00", "11:00"),
        ("10:30", "12:00"),
        ("12:00", "13:00"),
        ("14:00", "15:00"),
        ("14:10", "14:20"),
    ):
        add(api, calendar, f"2026-12-02T{start}:00Z", f"2026-12-02T{end}:00Z")
    assert busy(api, calendar) == [
        ("2026-12-02T10:00:00Z", "2026-12-02T13:00:00Z"),
        ("2026-12-02T14:00:00Z", "2026-12-02T15:00:00Z"),
    ]


def test_times_are_cut_to_the_range(api: ApiClient, calendar: str) -> None:
    add(api, calendar, "2026-11-01T00:00:00Z", "2026-12-25T00:00:00Z")
    assert busy(api, calendar) == [("2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z")]


@pytest.mark.parametrize(
    "free",
    [
        {"transparency": "transparent"},
        {"status": "cancelled"},
        {"attendees": [{"email": ANNA, "responseStatus": "declined"}]},
        {"eventType": "workingLocation"},
    ],
)
def test_some_events_take_no_time(api: ApiClient, calendar: str, free: dict[str, object]) -> None:
    add(api, calendar, "2026-12-02T10:00:00Z", "2026-12-02T11:00:00Z", **free)
    assert busy(api, calendar) == []


def test_tentative_events_and_events_that_others_declined_take_time(api: ApiClient, calendar: str) -> None:
    add(api, calendar, "2026-12-02T10:00:00Z", "2026-12-02T11:00:00Z", status="tentative")
    guests = [{"email": "guest@x.y", "responseStatus": "declined"}]
    add(api, calendar, "2026-12-03T10:00:00Z", "2026-12-03T11:00:00Z", attendees=guests)
    assert len(busy(api, calendar)) == 2


def test_a_whole_day_is_a_day_of_the_calendars_zone(api: ApiClient, calendar: str) -> None:
    api.post(f"{calendar}/events", json={"start": {"date": "2026-12-02"}, "end": {"date": "2026-12-03"}})
    assert busy(api, calendar) == [("2026-12-01T23:00:00Z", "2026-12-02T23:00:00Z")]
    in_oslo = [("2026-12-02T00:00:00+01:00", "2026-12-03T00:00:00+01:00")]
    assert busy(api, calendar, timeZone="Europe/Oslo") == in_oslo


def test_a_day_of_the_change_to_summer_time_has_23_hours(api: ApiClient, calendar: str) -> None:
    api.post(f"{calendar}/events", json={"start": {"date": "2027-03-28"}, "end": {"date": "2027-03-29"}})
    spring = {"timeMin": "2027-03-27T00:00:00Z", "timeMax": "2027-03-31T00:00:00Z"}
    assert busy(api, calendar, **spring) == [("2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z")]


def test_a_failed_calendar_looks_free_but_for_its_errors(api: ApiClient) -> None:
    answer = api.post("/freeBusy", json=WEEK | {"items": [{"id": "primary"}, {"id": "nobody@x.y"}]}).json()
    assert answer["calendars"] == {
        "primary": {"busy": []},
        "nobody@x.y": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
    }
    assert "groups" not in answer
    assert (answer["timeMin"], answer["timeMax"]) == ("2026-12-01T00:00:00.000Z", "2026-12-08T00:00:00.000Z")


def test_the_51st_calendar_is_one_too_many(api: ApiClient) -> None:
    items = [{"id": f"{number}@x.y"} for number in range(51)]
    calendars = api.post("/freeBusy", json=WEEK | {"items": items}).json()["calendars"]
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
def test_a_bad_query_is_refused(api: ApiClient, change: dict[str, object], why: str) -> None:
    assert reason(api.post("/freeBusy", json=WEEK | {"items": []} | change)) == (400, why)


def test_nulls_are_as_good_as_nothing(api: ApiClient, calendar: str) -> None:
    assert busy(api, calendar, groupExpansionMax=None, calendarExpansionMax=None, timeZone=None) == []


def test_the_longest_range_is_a_switch(api: ApiClient, controls: httpx.Client, calendar: str) -> None:
    ninety_days = {"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2027-03-01T00:00:00Z"}
    assert busy(api, calendar, **ninety_days) == []
    controls.patch("/behaviour", json={"freebusy_max_days": 89})
    assert reason(api.post("/freeBusy", json=ninety_days | {"items": []})) == (400, "timeRangeTooLong")


def test_generated_calendars_have_no_busy_times(api: ApiClient, controls: httpx.Client) -> None:
    holidays = "en.norwegian#holiday@group.v.calendar.google.com"
    controls.post(f"/accounts/{ANNA}/calendars", json={"summary": "Holidays", "id": holidays, "accessRole": "reader"})
    answer = api.post("/freeBusy", json=WEEK | {"items": [{"id": holidays}]}).json()
    assert answer["calendars"][holidays]["errors"][0]["reason"] == "notFound"
