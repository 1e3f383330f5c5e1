"""The odd corners of how clients talk: batches, partial answers, long queries, encoded paths."""

from typing import Any

import httpx
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA, ApiClient, reason, timed


def test_a_batch_answers_each_of_its_parts(service: Any, local_google: RunningLocalGoogle) -> None:
    answers: list[object] = []
    errors: list[HttpError | None] = []

    def note(_: str, answer: object, error: HttpError | None) -> None:
        answers.append(answer)
        errors.append(error)

    batch = BatchHttpRequest(callback=note, batch_uri=f"{local_google.url}/batch/calendar/v3")
    for name in ("abcde", "abcde", "fghij"):
        batch.add(service.events().insert(calendarId="primary", body=timed(id=name)))
    batch.add(service.events().delete(calendarId="primary", eventId="abcde"))
    batch.execute()
    assert [error.status_code if error else None for error in errors] == [None, 409, None, None]
    assert isinstance(answers[0], dict)
    assert answers[0]["id"] == "abcde"
    assert service.events().get(calendarId="primary", eventId="abcde").execute()["status"] == "cancelled"


def test_each_part_of_a_batch_is_a_call_and_can_meet_a_fault(
    service: Any, local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    controls_http.post("/faults", json={"method": "colors.get", "kind": "conflict"})
    errors: list[object] = []
    batch = BatchHttpRequest(batch_uri=f"{local_google.url}/batch/calendar/v3")
    for _ in range(3):
        batch.add(service.colors().get(), callback=lambda _key, _answer, error: errors.append(error))
    batch.execute()
    assert [getattr(error, "status_code", None) for error in errors] == [409, None, None]
    assert controls_http.get("/calls").json()["totals"] == {"colors.get": 3}


def test_what_is_no_batch_is_refused(calendar_api: ApiClient, local_google: RunningLocalGoogle) -> None:
    response = calendar_api.post(f"{local_google.url}/batch/calendar/v3", content=b"hello")
    assert reason(response) == (400, "badRequest")


def test_a_long_query_comes_as_a_form(service: Any, controls_http: httpx.Client) -> None:
    service.events().insert(calendarId="primary", body=timed(id="abcde")).execute()
    listed = service.events().list(calendarId="primary", q="tour " * 500).execute()
    assert [event["id"] for event in listed["items"]] == ["abcde"]
    assert controls_http.get("/calls").json()["totals"]["events.list"] == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("id", {"id": "abcde"}),
        ("id,status", {"id": "abcde", "status": "confirmed"}),
        ("start/dateTime", {"start": {"dateTime": "2026-12-01T11:00:00+01:00"}}),
        ("start(dateTime,date),id", {"start": {"dateTime": "2026-12-01T11:00:00+01:00"}, "id": "abcde"}),
        ("creator/*,nothing", {"creator": {"email": ANNA, "self": True}}),
    ],
)
def test_an_answer_can_be_partial(calendar_api: ApiClient, fields: str, expected: dict[str, object]) -> None:
    calendar_api.post("/calendars/primary/events", json=timed(id="abcde"))
    assert calendar_api.get("/calendars/primary/events/abcde", params={"fields": fields}).json() == expected
    listed = calendar_api.get("/calendars/primary/events", params={"fields": f"items({fields})"}).json()
    assert listed == {"items": [expected]}


@pytest.mark.parametrize("fields", ["items(", "a)", "a/", "(a)", ",a"])
def test_a_bad_selection_is_refused(calendar_api: ApiClient, fields: str) -> None:
    assert reason(calendar_api.get("/calendars/primary/events", params={"fields": fields})) == (400, "invalid")


def test_answers_are_pretty_on_request(calendar_api: ApiClient) -> None:
    assert b"\n" not in calendar_api.get("/colors", params={"alt": "json"}).content
    assert calendar_api.get("/colors", params={"prettyPrint": "true"}).content.startswith(b'{\n "kind"')


def test_what_is_no_method_is_not_found(calendar_api: ApiClient) -> None:
    assert reason(calendar_api.get("/nothing/here")) == (404, "notFound")
    assert reason(calendar_api.delete("/colors")) == (404, "notFound")
