"""Occurrences of a series that are changed or deleted alone, by hand and by an app."""

from collections.abc import Callable

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason

EVENTS = "/calendars/primary/events"
SECOND, THIRD = "series_20270322T080000Z", "series_20270329T070000Z"
WEEKLY = {
    "id": "series",
    "summary": "Training",
    "start": {"dateTime": "2027-03-15T09:00:00", "timeZone": "Europe/Oslo"},
    "end": {"dateTime": "2027-03-15T10:00:00", "timeZone": "Europe/Oslo"},
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
}
LATER = {"start": {"dateTime": "2027-03-22T15:00:00Z"}, "end": {"dateTime": "2027-03-22T16:00:00Z"}}
SPRING = {"timeMin": "2027-03-01T00:00:00Z", "timeMax": "2027-05-01T00:00:00Z"}
REGULAR = ["2027-03-15T08:00:00Z", "2027-03-22T08:00:00Z", "2027-03-29T07:00:00Z", "2027-04-05T07:00:00Z"]

Edit = Callable[[str, str, object], httpx.Response]


@pytest.fixture
def series(calendar_api: ApiClient) -> ApiClient:
    """Anna's client; she trains on four Mondays."""
    assert calendar_api.post(EVENTS, json=WEEKLY).status_code == 200
    return calendar_api


@pytest.fixture(params=["by hand", "by an app"])
def edit(request: pytest.FixtureRequest, series: ApiClient, controls_http: httpx.Client) -> Edit:
    """Changes one event: ``edit("PATCH", event_id, body)``."""
    client, path = (controls_http, f"/accounts/{ANNA}{EVENTS}") if request.param == "by hand" else (series, EVENTS)
    return lambda verb, event_id, body: client.request(verb, f"{path}/{event_id}", json=body)


def busy(calendar_api: ApiClient) -> list[str]:
    answer = calendar_api.post("/freeBusy", json=SPRING | {"items": [{"id": "primary"}]}).json()
    return [slot["start"] for slot in answer["calendars"]["primary"]["busy"]]


def listed(calendar_api: ApiClient, path: str = EVENTS, **params: str) -> dict[str, str]:
    return {event["id"]: event["status"] for event in calendar_api.get(path, params=params).json()["items"]}


def test_a_changed_occurrence_takes_the_place_of_the_regular_one(series: ApiClient, edit: Edit) -> None:
    assert edit("PATCH", SECOND, LATER | {"summary": "Later"}).is_success
    assert busy(series) == [REGULAR[0], "2027-03-22T15:00:00Z", *REGULAR[2:]]
    event = series.get(f"{EVENTS}/{SECOND}").json()
    assert (event["summary"], event["recurringEventId"], event["iCalUID"]) == ("Later", "series", "series@google.com")
    assert event["originalStartTime"]["dateTime"] == "2027-03-22T09:00:00+01:00"
    assert listed(series) == {"series": "confirmed", SECOND: "confirmed"}
    assert len(listed(series, singleEvents="true", **SPRING)) == 4
    assert len(listed(series, f"{EVENTS}/series/instances")) == 4
    assert series.get(f"{EVENTS}/series").json()["summary"] == "Training"


def test_a_deleted_occurrence_is_free_and_told_of_in_lists_of_series(series: ApiClient, edit: Edit) -> None:
    assert edit("DELETE", SECOND, None).status_code == 204
    assert busy(series) == [REGULAR[0], *REGULAR[2:]]
    assert listed(series) == {"series": "confirmed", SECOND: "cancelled"}
    assert len(listed(series, singleEvents="true")) == 3
    assert len(listed(series, f"{EVENTS}/series/instances")) == 3
    assert listed(series, f"{EVENTS}/series/instances", showDeleted="true")[SECOND] == "cancelled"
    assert reason(series.delete(f"{EVENTS}/{SECOND}")) == (410, "deleted")


def test_a_sync_has_the_occurrence_alone(series: ApiClient, edit: Edit) -> None:
    token = series.get(EVENTS).json()["nextSyncToken"]
    edit("PATCH", SECOND, {"summary": "Other"})
    edit("DELETE", THIRD, None)
    assert listed(series, syncToken=token) == {SECOND: "confirmed", THIRD: "cancelled"}


def test_a_whole_day_of_a_series_can_be_declined_alone(series: ApiClient, edit: Edit) -> None:
    guests = [{"email": ANNA.upper(), "responseStatus": "declined"}]
    days = {name: {"date": f"2027-03-{day}", "dateTime": None} for name, day in (("start", 29), ("end", 30))}
    assert edit("PATCH", THIRD, days).is_success
    assert busy(series)[2] == "2027-03-28T22:00:00Z"
    edit("PATCH", THIRD, {"attendees": guests})
    assert busy(series) == [*REGULAR[:2], REGULAR[3]]


def test_exceptions_share_the_fate_of_their_series(series: ApiClient, edit: Edit, controls_http: httpx.Client) -> None:
    edit("PATCH", SECOND, LATER)
    edit("DELETE", THIRD, None)
    edit("DELETE", "series", None)
    assert busy(series) == []
    assert listed(series) == {}
    assert series.get(f"{EVENTS}/{SECOND}").json()["status"] == "cancelled"
    series.patch(f"{EVENTS}/series", json={"status": "confirmed"})
    assert busy(series) == [REGULAR[0], "2027-03-22T15:00:00Z", REGULAR[3]]


def test_an_exception_ends_when_the_series_has_no_such_occurrence_any_more(series: ApiClient, edit: Edit) -> None:
    edit("PATCH", SECOND, LATER)
    edit("PATCH", THIRD, {"summary": "Outside"})
    edit("PATCH", "series", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    assert busy(series) == [REGULAR[0], "2027-03-22T15:00:00Z"]
    edit("PATCH", "series", {"recurrence": None})
    assert busy(series) == [REGULAR[0]]


def test_a_series_is_moved_with_its_exceptions_and_no_occurrence_alone(
    series: ApiClient, edit: Edit, calendar_path: str
) -> None:
    edit("PATCH", SECOND, LATER)
    edit("DELETE", THIRD, None)
    target = {"destination": calendar_path.rpartition("/")[2]}
    assert reason(series.post(f"{EVENTS}/{SECOND}/move", params=target)) == (400, "invalid")
    assert series.post(f"{EVENTS}/series/move", params=target).status_code == 200
    assert busy(series) == []
    assert listed(series, f"{calendar_path}/events", singleEvents="true").keys() == {
        "series_20270315T080000Z",
        SECOND,
        "series_20270405T070000Z",
    }
    assert series.post(f"{calendar_path}/events/series/move", params={"destination": "primary"}).status_code == 200
    assert busy(series) == [REGULAR[0], "2027-03-22T15:00:00Z", REGULAR[3]]


def test_what_is_no_occurrence_can_be_neither_changed_nor_deleted(series: ApiClient, edit: Edit) -> None:
    for wrong in ("series_20270323T080000Z", "series_tomorrow"):
        assert reason(edit("PATCH", wrong, {"summary": "x"})) == (404, "notFound")
        assert reason(edit("DELETE", wrong, None)) == (404, "notFound")
