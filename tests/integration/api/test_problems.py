import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.api import Api
from tests.support.http import tls

pytestmark = pytest.mark.anyio

SECRET = "Aino Virtanen"
ITEM = {"product": "p", "start": "2027-07-01", "end": "2027-07-03"}


def put(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


async def refused(api: Api, body: object, status: int = 422, **headers: str) -> dict[str, object]:
    answer = await api.platform.put(
        "/v1/merchants/m/reservations/R-1", content=put(body), headers={"Content-Type": "application/json", **headers}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["status"] == status
    assert str(problem["type"]).startswith("urn:slotsync:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text
    return problem


@pytest.mark.parametrize(
    ("body", "field", "remedy"),
    [
        ({"items": [ITEM]}, "version", "is missing"),
        ({"version": SECRET, "items": [ITEM]}, "version", "integer"),
        ({"version": -1, "items": [ITEM]}, "version", "greater than or equal to 0"),
        ({"version": 2**53 + 1, "items": [ITEM]}, "version", "less than or equal to"),
        ({"version": 1}, "", "items is empty"),
        ({"version": 1, "items": [{**ITEM, "product": SECRET}]}, "items.0.product", "spaces"),
        ({"version": 1, "items": [{**ITEM, "start": SECRET}]}, "items.0.start", "2026-07-01T18:00:00+03:00"),
        ({"version": 1, "items": [{**ITEM, "start": "2027-07-01T18:00:00"}]}, "items.0.start", "offset"),
        ({"version": 1, "items": [{**ITEM, "start": 1814400000}]}, "items.0.start", "neither a date-time"),
        ({"version": 1, "items": [{**ITEM, "end": "2027-06-01"}]}, "items.0", "end is before start"),
        ({"version": 1, "items": [ITEM], "status": SECRET}, "status", "'confirmed', 'tentative' or 'cancelled'"),
        ({"version": 1, "items": [ITEM], "titel": SECRET}, "titel", "spelling"),
        ({"version": 1, "items": [ITEM], "merchant": "m"}, "merchant", "remove it"),
        ({"version": 1, "items": [ITEM], "title": SECRET * 100}, "title", "at most 1000"),
        ({"version": 1, "items": [ITEM], "url": SECRET}, "url", "URL"),
        ({"version": 1, "items": [ITEM], "guest": SECRET}, "guest", "object"),
        ([SECRET], "", "JSON object"),
    ],
)
async def test_each_field_that_is_wrong_is_named_with_a_remedy(api: Api, body: object, field: str, remedy: str) -> None:
    problem = await refused(api, body)
    errors = problem["errors"]
    assert isinstance(errors, list)
    response = {each["field"]: each["detail"] for each in errors if each["place"] == "body"}
    assert remedy in response[field]


@pytest.mark.parametrize("where", [b'"\\ud800": 1', b'"title": "\\ud800"', b'"guest": {"name": "\\ud800"}'])
async def test_half_a_character_is_refused_wherever_it_stands(api: Api, where: bytes) -> None:
    await refused(api, b'{"version": 1, "status": "cancelled", ' + where + b"}")


@pytest.mark.parametrize(
    "body",
    [b'{"version": ', b"\xff\xfe\x00", b"[" * 100_000, b'{"version": ' + b"9" * 5000 + b"}", SECRET.encode()],
    ids=["cut off", "not UTF-8", "deep", "a number too long", "text"],
)
async def test_a_body_that_is_not_json_is_refused(api: Api, body: bytes) -> None:
    problem = await refused(api, body, 400)
    assert problem["type"] == "urn:slotsync:problem:unreadable-body"


async def test_a_body_without_content_type_gets_the_missing_header_named(api: Api) -> None:
    answer = await api.platform.put("/v1/merchants/m/reservations/R-1", content=put({"version": 1, "items": [ITEM]}))
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.text


async def test_a_body_that_says_it_is_too_large_is_refused(api: Api) -> None:
    assert (await refused(api, b" " * (256 * 1024 + 1), 413))["type"] == "urn:slotsync:problem:body-too-large"


async def test_a_body_that_turns_out_to_be_too_large_is_refused(api: Api) -> None:
    async def told_in_parts() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    async with httpx.AsyncClient(base_url=api.url, headers=api.platform.headers, verify=tls()) as client:
        answer = await client.put(
            "/v1/merchants/m/products/p", content=told_in_parts(), headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:slotsync:problem:body-too-large")


async def test_an_address_that_is_not_served_says_so(api: Api) -> None:
    answer = await api.platform.get("/v1/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:slotsync:problem:not-found")


async def test_a_method_that_is_not_served_names_those_that_are(api: Api) -> None:
    answer = await api.platform.patch("/v1/merchants/m/products/p")
    assert (answer.status_code, answer.json()["type"]) == (405, "urn:slotsync:problem:method-not-allowed")
    assert answer.headers["allow"] == "PUT"


async def test_the_callers_request_id_comes_back_and_is_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "starter.api"):
        answer = await api.platform.get("/v1/merchants/m-secret/google", headers={"X-Request-Id": "from-the-backend.7"})
    assert answer.headers["x-request-id"] == "from-the-backend.7"
    (line,) = (each.getMessage() for each in caplog.records if "from-the-backend.7" in each.getMessage())
    assert "GET /v1/merchants/{merchant}/google 200" in line


@pytest.mark.parametrize("chosen", ["", "two words", "x" * 65, "<b>", "a\tb"])
async def test_a_request_id_that_does_not_fit_a_log_is_replaced(api: Api, chosen: str) -> None:
    answer = await api.platform.get("/v1/merchants/m/google", headers={"X-Request-Id": chosen})
    assert answer.headers["x-request-id"] not in {"", chosen}


async def test_no_log_line_holds_a_key_or_a_guest(api: Api, caplog: pytest.LogCaptureFixture, merchant: str) -> None:
    with caplog.at_level(logging.DEBUG):
        body = {"version": 1, "items": [ITEM], "title": SECRET}
        await api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=body)
        await api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json={**body, "version": SECRET})
    ours = [each.getMessage() for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert all(any(status in line for line in ours) for status in ("202", "422"))
    assert not any(SECRET in line or "a-key-of-the-platform" in line for line in ours)


@pytest.mark.parametrize("address", ["/v1/merchants/m/google", "/v1/nothing", "/healthz", "/docs"])
async def test_every_answer_has_security_headers(api: Api, address: str) -> None:
    headers = (await api.platform.get(address)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
