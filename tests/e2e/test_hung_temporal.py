"""A Temporal server that hangs (SIGSTOP): it takes connections, and answers nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from time import monotonic

import httpx
import pytest

from tests.support.http import tls
from tests.support.machine import Machine
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.world import World

pytestmark = pytest.mark.anyio

WITHIN = 10  # seconds, for every answer

BODIES: dict[str, dict[str, object]] = {
    "put": {
        "/v1/merchants/{merchant}/reservations/{reservation}": {
            "version": 9,
            "items": [{"product": TOUR.id, "start": "2027-07-01", "end": "2027-07-02"}],
        },
        "/v1/merchants/{merchant}": {"name": "Other"},
        "/v1/merchants/{merchant}/products/{product}": {"name": "Other"},
        "/v1/merchants/{merchant}/resources/{resource}": {"name": "Other"},
        "/v1/merchants/{merchant}/products/{product}/blocking-calendars": {"calendar_ids": []},
    },
    "post": {
        "/v1/merchants/{merchant}/products/{product}/confirm": {
            "start": "2027-07-01T10:00:00Z",
            "end": "2027-07-01T11:00:00Z",
        },
        "/v1/merchants/{merchant}/messages:resend": {"from": "2026-07-01T10:00:00Z", "to": "2026-07-02T10:00:00Z"},
        "/v1/merchants/{merchant}/messages/{message}/skip": {"reason": "why"},
        "/v1/merchants/{merchant}/drift/{drift}/answer": {"answer": "keep"},
    },
}
QUESTIONS = {"from": "2027-07-01T10:00:00Z", "to": "2027-07-01T11:00:00Z", "at": "2027-07-01T10:00:00Z"}


@pytest.fixture
async def platform(machine: Machine, machine_world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The platform, with a reservation that was written before Temporal hung."""
    await machine.api.start()
    await machine_world.slotsync.report(snapshot(1))
    await machine_world.settled(1)
    machine.temporal.send(signal.SIGSTOP)
    try:
        headers = {"Authorization": f"Bearer {machine.settings.api_keys[0].get_secret_value()}"}
        async with httpx.AsyncClient(
            base_url=machine.settings.public_url, timeout=60, headers=headers, verify=tls()
        ) as client:
            yield client
    finally:
        machine.temporal.send(signal.SIGCONT)


async def test_every_route_answers_in_time_and_asks_to_try_again(platform: httpx.AsyncClient) -> None:
    paths = (await platform.get("/openapi.json")).json()["paths"]
    routes = [(method, path) for path, methods in paths.items() for method in methods]
    answers = dict(zip(routes, await asyncio.gather(*(ask(platform, *route) for route in routes)), strict=True))
    late = {route: seconds for route, (_, seconds) in answers.items() if seconds > WITHIN}
    broken = {route: answer.status_code for route, (answer, _) in answers.items() if answer.status_code in {500, 422}}
    assert broken.pop(("post", "/v1/merchants/{merchant}/google/complete")) == 422, "it takes no invented code"
    busy = [route for route, (answer, _) in answers.items() if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE]
    assert (late, broken) == ({}, {})
    assert ("put", "/v1/merchants/{merchant}/reservations/{reservation}") in busy
    assert all(answers[route][0].headers["retry-after"] for route in busy)


async def ask(platform: httpx.AsyncClient, method: str, path: str) -> tuple[httpx.Response, float]:
    address = path.format(
        merchant=MERCHANT, reservation="R-1", product=TOUR.id, resource="guide-1", message="m-1", drift="d-1"
    )
    began = monotonic()
    answer = await platform.request(method, address, params=QUESTIONS, json=BODIES.get(method, {}).get(path))
    return answer, monotonic() - began
