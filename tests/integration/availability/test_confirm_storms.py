"""A storm of confirmations is answered or refused, quickly, and leaves no trace of the SDK in the log."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from starter.bootstrap import Services
from tests.support.api import serving_on_free_port
from tests.support.availability_webhooks import HOUR, TOMORROW
from tests.support.availability_world import AvailabilityWorld
from tests.support.http import tls
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.settings import KEY
from tests.support.world import World

pytestmark = pytest.mark.anyio

STORM = 300


@asynccontextmanager
async def platform_of(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Yield the client of a platform that uses the world's API."""
    settings = world.settings.model_copy(update={"api_keys": (SecretStr(KEY),)})
    services = replace(Services.create(settings, world.store, world.client), slotsync=world.slotsync)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        serving_on_free_port(services) as url,
        httpx.AsyncClient(base_url=url, timeout=30, headers=headers, limits=httpx.Limits(), verify=tls()) as http,
    ):
        yield http


async def ask(platform: httpx.AsyncClient, number: int) -> httpx.Response:
    """Ask about another time each time, with one of two limits."""
    start = TOMORROW + number * timedelta(minutes=1)
    body = {"start": start.isoformat(), "end": (start + HOUR).isoformat(), "within_ms": 1500 + 500 * (number % 2)}
    return await platform.post(f"/v1/merchants/{MERCHANT}/products/{TOUR.id}/confirm", json=body)


async def storm(platform: httpx.AsyncClient) -> Counter[int]:
    answers = await asyncio.gather(*(ask(platform, number) for number in range(STORM)))
    refused = [each for each in answers if each.status_code == 429]
    assert all(int(each.headers["Retry-After"]) >= 1 for each in refused)
    assert {each.json()["type"] for each in refused} <= {"urn:slotsync:problem:too-many-requests"}
    return Counter(each.status_code for each in answers)


def assert_silent(caplog: pytest.LogCaptureFixture, printed: str) -> None:
    gc.collect()  # asyncio logs an error that nobody took when it is collected
    noise = [each.getMessage() for each in caplog.records if each.name != "starter.api.operations"]
    assert noise == []
    assert "Traceback" not in printed


@pytest.mark.long
async def test_a_storm_with_a_slow_google_is_bounded_and_silent(
    availability: AvailabilityWorld, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world = availability.world
    async with world.working(), platform_of(world) as platform:
        await availability.block(EMAIL)
        assert (await ask(platform, 0)).json()["answer"] == "yes"
        await world.fault(method="freebusy.query", kind="slow", seconds=1, count=1000)
        caplog.set_level(logging.WARNING)
        statuses = await storm(platform)
        await world.heal()
        assert statuses.keys() == {200, 429}
        assert statuses[200] >= 50
        assert_silent(caplog, "".join(capfd.readouterr()))
        assert (await ask(platform, 0)).json()["answer"] == "yes"


async def test_a_storm_without_a_worker_is_bounded_and_silent(
    availability: AvailabilityWorld, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with platform_of(availability.world) as platform:
        caplog.set_level(logging.WARNING)
        statuses = await storm(platform)
        assert statuses.keys() == {200, 429}
    assert_silent(caplog, "".join(capfd.readouterr()))
