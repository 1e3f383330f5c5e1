"""Events that recur."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason

WEEKLY = {
    "id": "series",
    "summary": "Training",
    "start": {"dateTime": "2027-03-15T09:00:00", "timeZone": "Europe/Oslo"},
    "end": {"dateTime": "2027-03-15T10:00:00", "timeZone": "Europe/Oslo"},
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
}
MARCH_AND_APRIL = {"timeMin": "2027-03-01T00:00:00Z", "timeMax": "2027-05-01T00:00:00Z"}


def add(calendar_api: ApiClient, **change: object) -> None:
    assert calendar_api.post("/calendars/primary/events", json=WEEKLY | change).status_code == 200


def busy(calendar_api: ApiClient) -> list[str]:
    answer = calendar_api.post("/freeBusy", json=MARCH_AND_APRIL | {"items": [{"id": "primary"}]}).json()
    return [slot["start"] for slot in answer["calendars"]["primary"]["busy"]]


def ids(calendar_api: ApiClient, **params: str | int) -> list[str]:
    return [event["id"] for event in calendar_api.get("/calendars/primary/events", params=params).json()["items"]]


def test_a_series_is_busy_at_the_same_wall_time_before_and_after_the_change_to_summer_time(
    calendar_api: ApiClient,
) -> None:
    add(calendar_api)
    assert busy(calendar_api) == [
        "2027-03-15T08:00:00Z",
        "2027-03-22T08:00:00Z",
        "2027-03-29T07:00:00Z",
        "2027-04-05T07:00:00Z",
    ]


@pytest.mark.parametrize(
    ("recurrence", "days"),
    [
        (["RRULE:FREQ=WEEKLY;UNTIL=20270323T000000Z"], [15, 22]),
        (["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Europe/Oslo:20270316T090000"], [15, 17]),
        (["RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO,TH"], [15, 18, 22]),
        (["RDATE:20270320T080000Z"], [15, 20]),
    ],
)
def test_rules_and_exceptions_are_followed(calendar_api: ApiClient, recurrence: list[str], days: list[int]) -> None:
    first = ["RRULE:FREQ=DAILY;COUNT=1"] if recurrence[0].startswith("RDATE") else []
    add(calendar_api, recurrence=first + recurrence)
    assert busy(calendar_api) == [f"2027-03-{day}T08:00:00Z" for day in days]


def test_whole_days_recur_too(calendar_api: ApiClient) -> None:
    times = {"start": {"date": "2027-03-27"}, "end": {"date": "2027-03-28"}}
    add(calendar_api, recurrence=["RRULE:FREQ=DAILY;UNTIL=20270328"], **times)
    assert busy(calendar_api) == ["2027-03-26T23:00:00Z"]
    listed = calendar_api.get("/calendars/primary/events", params={"singleEvents": "true", **MARCH_AND_APRIL}).json()[
        "items"
    ]
    assert [event["start"] for event in listed] == [{"date": "2027-03-27"}, {"date": "2027-03-28"}]


def test_a_list_shows_the_series_or_its_occurrences(calendar_api: ApiClient) -> None:
    add(calendar_api)
    assert ids(calendar_api) == ["series"]
    assert ids(calendar_api, timeMin="2027-04-05T07:30:00Z") == ["series"]
    assert ids(calendar_api, timeMin="2027-04-05T08:30:00Z") == []
    assert ids(calendar_api, singleEvents="true", orderBy="startTime") == [
        "series_20270315T080000Z", "series_20270322T080000Z", "series_20270329T070000Z", "series_20270405T070000Z",
    ]  # fmt: skip


def test_pages_split_a_series_without_a_loss(calendar_api: ApiClient) -> None:
    add(calendar_api)
    first = calendar_api.get("/calendars/primary/events", params={"singleEvents": "true", "maxResults": 3}).json()
    rest = calendar_api.get(
        "/calendars/primary/events", params={"singleEvents": "true", "pageToken": first["nextPageToken"]}
    )
    assert len(first["items"] + rest.json()["items"]) == 4


def test_an_occurrence_can_be_read_by_its_id(calendar_api: ApiClient) -> None:
    add(calendar_api)
    event = calendar_api.get("/calendars/primary/events/series_20270329T070000Z").json()
    start = {"dateTime": "2027-03-29T09:00:00+02:00", "timeZone": "Europe/Oslo"}
    assert (event["start"], event["originalStartTime"]) == (start, start)
    assert (event["recurringEventId"], event["iCalUID"], "recurrence" in event) == (
        "series",
        "series@google.com",
        False,
    )
    for wrong in ("series_20270330T070000Z", "series_tomorrow", "monthly_20270329T070000Z"):
        assert reason(calendar_api.get(f"/calendars/primary/events/{wrong}")) == (404, "notFound")


def test_instances_are_the_occurrences_of_one_series(calendar_api: ApiClient) -> None:
    add(calendar_api)
    add(calendar_api, id="other")
    path = "/calendars/primary/events/series/instances"
    assert len(calendar_api.get(path).json()["items"]) == 4
    assert len(calendar_api.get(path, params={"timeMax": "2027-03-20T00:00:00Z"}).json()["items"]) == 1


def test_an_event_that_is_no_series_has_no_instances(calendar_api: ApiClient) -> None:
    add(calendar_api, recurrence=[])
    answer = calendar_api.get("/calendars/primary/events/series/instances")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_deleted_series_takes_no_time(calendar_api: ApiClient) -> None:
    add(calendar_api)
    assert busy(calendar_api)
    calendar_api.delete("/calendars/primary/events/series")
    assert busy(calendar_api) == []
    assert ids(calendar_api, singleEvents="true", **MARCH_AND_APRIL) == []


def test_a_series_that_becomes_a_single_event_happens_once(calendar_api: ApiClient) -> None:
    add(calendar_api)
    calendar_api.patch("/calendars/primary/events/series", json={"recurrence": None})
    assert busy(calendar_api) == ["2027-03-15T08:00:00Z"]


@pytest.mark.parametrize("lines", [["RRULE:FREQ=SOMETIMES"], ["every monday"]])
def test_a_rule_that_cannot_be_read_is_refused(calendar_api: ApiClient, lines: list[str]) -> None:
    assert reason(calendar_api.post("/calendars/primary/events", json=WEEKLY | {"recurrence": lines})) == (
        400,
        "invalid",
    )


def test_a_timed_series_needs_a_zone(calendar_api: ApiClient, controls_http: httpx.Client) -> None:
    times = {"start": {"dateTime": "2027-03-15T09:00:00Z"}, "end": {"dateTime": "2027-03-15T10:00:00Z"}}
    assert reason(calendar_api.post("/calendars/primary/events", json=WEEKLY | times)) == (400, "required")
    assert controls_http.get(f"/accounts/{ANNA}/calendars/primary/events").json() == {"items": []}
