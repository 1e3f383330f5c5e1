"""The query parameters of all routes, with values at the edge of what can be stored."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from slotsync.domain.messages import MAX_IDENTIFIER_BYTES
from starter.api.cursors import MAX_CURSOR_LENGTH, decode_cursor, encode_cursor
from tests.support.api import Api
from tests.support.samples import TOUR, settings_of

pytestmark = pytest.mark.anyio

TIMES = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
"""Times that UTC does not have."""

VALID = {"from": "2027-07-01T15:00:00Z", "to": "2027-07-01T17:00:00Z", "at": "2027-07-01T15:00:00Z"}


def cursor(*content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


CURSORS = (
    cursor("2026-01-01T00:00:00+00:00", "\ud800"),
    cursor("2026-01-01T00:00:00+00:00", "\0"),
    cursor("2026-01-01T00:00:00+00:00", ["R-1"]),
    *(cursor(each, "R-1") for each in TIMES),
)


def parameters(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each query parameter of each route that reads, with the route's address."""
    for address, route in document["paths"].items():
        for parameter in route.get("get", {}).get("parameters", ()):
            if parameter["in"] == "query":
                yield address, parameter


def hostile_values(parameter: dict[str, Any]) -> tuple[str, ...]:
    """Return values that nothing can be done with: of a time, or of a cursor; none for other parameters."""
    schema = json.dumps(parameter["schema"])
    if '"date-time"' in schema:
        return TIMES
    return CURSORS if parameter["name"] == "after" and f'"maxLength": {MAX_CURSOR_LENGTH}' in schema else ()


def test_the_cursor_of_the_longest_id_is_taken() -> None:
    at, longest = datetime(2026, 11, 28, 12, 0, 0, 123456, tzinfo=UTC), "\N{PARTY POPPER}" * (MAX_IDENTIFIER_BYTES // 4)
    assert len(encode_cursor(at, longest)) <= MAX_CURSOR_LENGTH
    assert decode_cursor(encode_cursor(at, longest)) == (at, longest)


async def test_a_time_or_a_cursor_that_cannot_be_stored_is_refused_by_name_on_all_routes(
    api: Api, merchant: str
) -> None:
    await api.world.slotsync.put_owner(merchant, TOUR, settings_of(TOUR))
    document = (await api.stranger.get("/openapi.json")).json()
    tried = set[tuple[str, str]]()
    for address, parameter in parameters(document):
        for value in hostile_values(parameter):
            name = parameter["name"]
            tried.add((address.rpartition("/")[2], name))
            path = address.format(merchant=merchant, product=TOUR.id)
            required = VALID if address.endswith(("/availability", "/explain")) else {}
            answer = await api.platform.get(path, params={**required, name: value})
            assert answer.status_code == 422, (address, name, value)
            named = {each["field"] for each in answer.json().get("errors", ())} or {answer.json()["detail"][:5]}
            assert named in ({name}, {f"{name}:"[:5]}), (address, name, answer.text)
    assert tried >= {
        *((what, "after") for what in ("reservations", "messages", "drift", "conflicts")),
        *((what, name) for what in ("reservations", "messages", "availability") for name in ("from", "to")),
        ("reservations", "changed_since"),
        ("explain", "at"),
    }


@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize("time", TIMES)
async def test_messages_are_not_sent_again_of_a_time_that_utc_does_not_have(
    api: Api, merchant: str, field: str, time: str
) -> None:
    times = {"from": VALID["from"], "to": VALID["to"], field: time}
    answer = await api.platform.post(f"/v1/merchants/{merchant}/messages:resend", json=times)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
