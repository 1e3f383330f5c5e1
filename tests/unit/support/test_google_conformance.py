"""The checks that every scenario ends with can fail."""

import json
from dataclasses import replace

import pytest

from tests.support.google_clients.conformance import JSON_TYPE, faults
from tests.support.google_clients.recording import Exchange, Json

EVENTS = "/calendar/v3/calendars/c1/events"
START_AND_END: dict[str, Json] = {
    "start": {"dateTime": "2026-12-07T12:00:00Z"},
    "end": {"dateTime": "2026-12-07T13:00:00Z"},
}


def exchange(
    verb: str = "GET",
    path: str = f"{EVENTS}/e1",
    *,
    sent: Json = None,
    status: int = 200,
    answer: Json = None,
    **query: str,
) -> Exchange:
    return Exchange(
        verb=verb,
        path=path,
        query={name: [value] for name, value in query.items()},
        request_body=json.dumps(sent).encode() if sent is not None else b"",
        status=status,
        headers={"content-type": JSON_TYPE},
        response_body=json.dumps(answer).encode() if answer is not None else b"",
    )


def error(code: int, **more: Json) -> Json:
    one: Json = {"domain": "global", "reason": "notFound", "message": "Not Found"}
    return {"error": {"errors": [one], "code": code, "message": "Not Found", **more}}


@pytest.mark.parametrize(
    "flawless",
    [
        exchange(answer={"kind": "calendar#event", **START_AND_END}, alt="json"),
        exchange("POST", EVENTS, sent=START_AND_END, answer=START_AND_END),
        exchange("PATCH", sent={"description": None}, answer={"id": "e1"}),
        exchange("PUT", sent={"start": {"dateTime": "2026-12-07T12:00:00"}, "end": {}}, answer={}),
        exchange("DELETE", status=204),
        exchange(status=404, answer=error(404)),
        exchange("POST", "/token", status=400, answer={"error": "invalid_grant", "error_description": "Revoked."}),
        exchange("GET", "/sandbox/calls", answer={"anything": "goes"}),
    ],
    ids=str,
)
def test_what_google_would_say_passes(flawless: Exchange) -> None:
    assert list(faults(flawless)) == []


@pytest.mark.parametrize(
    "flawed",
    [
        pytest.param(exchange(answer={"colour": "red"}), id="unknown field in an answer"),
        pytest.param(exchange(answer={"start": {"dateTime": "2026-12-07T12:00:00"}}), id="time without offset"),
        pytest.param(exchange(answer={"start": {"date": "2026-13-07"}}), id="no such date"),
        pytest.param(exchange(answer={"sequence": "1"}), id="text for a number"),
        pytest.param(exchange(answer={"sequence": 2**31}), id="number beyond int32"),
        pytest.param(exchange(answer={"description": None}), id="null in an answer"),
        pytest.param(exchange(answer={"extendedProperties": {"private": {"a": 1}}}), id="property that is no text"),
        pytest.param(exchange("POST", f"{EVENTS}/watch", sent={"expiration": "soon"}, answer={}), id="no int64"),
        pytest.param(exchange("POST", EVENTS, sent={**START_AND_END, "colour": 1}, answer={}), id="unknown field sent"),
        pytest.param(exchange("POST", EVENTS, sent={"summary": "x"}, answer={}), id="accepted without start and end"),
        pytest.param(exchange("POST", f"{EVENTS}/quickAdd", answer={}), id="accepted without a parameter"),
        pytest.param(exchange(answer={}, colour="red"), id="unknown parameter"),
        pytest.param(exchange("DELETE", status=204, answer={}), id="body after a delete"),
        pytest.param(exchange("DELETE", status=200), id="delete that is not 204"),
        pytest.param(exchange(status=404, answer={"error": "not found"}), id="error without the envelope"),
        pytest.param(exchange(status=404, answer=error(400)), id="error with another code"),
        pytest.param(exchange(status=404, answer=error(404, colour="red")), id="error with more than Google says"),
        pytest.param(replace(exchange(answer={}), headers={"content-type": "text/html"}), id="content type"),
        pytest.param(
            exchange("POST", "/token", status=400, answer={"detail": "no"}), id="token error of another shape"
        ),
    ],
)
def test_what_google_would_never_say_is_found(flawed: Exchange) -> None:
    assert list(faults(flawed)) != []


def test_a_path_that_google_does_not_have_is_an_error() -> None:
    with pytest.raises(LookupError, match="has no GET /calendar/v3/nowhere"):
        list(faults(exchange(path="/calendar/v3/nowhere")))
