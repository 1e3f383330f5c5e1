"""The requests of one merchant, of one key and of slow senders take no places that others need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from pydantic import SecretStr
from typing_extensions import override

from slotsync.domain.connections.connection import ConnectionView
from starter.api.keys import NEEDED_ROLES
from starter.api.limits import MAX_REQUESTS, MAX_REQUESTS_PER_MERCHANT, OWN_LIMITS
from starter.bootstrap import Services
from starter.services.connections import ConnectionService
from tests.support.api import Api, serving_on_free_port
from tests.support.http import tls
from tests.support.settings import KEY
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

NARROW = f"for-one-merchant-{'n' * 32}"


class SlowConnections(ConnectionService):
    """Says the state of connections once it may."""

    may_answer: asyncio.Event
    asked: int = 0

    @override
    async def view(self, merchant: str) -> ConnectionView:
        self.asked += 1
        await self.may_answer.wait()
        return await super().view(merchant)


@dataclass(frozen=True)
class BusyApi:
    """An API in which a merchant has no place left, since its connection is read slowly."""

    http: httpx.AsyncClient
    merchant: str

    async def ask(self, method: str, route: str, merchant: str, key: str = KEY) -> int:
        """Send a request to a route, and return the status; ids look like the end of a route without a limit."""
        path = route.format(
            merchant=merchant,
            reservation="confirm",
            product="confirm",
            resource="confirm",
            message="confirm",
            drift="confirm",
        )
        headers = {"Authorization": f"Bearer {key}"}
        return (await self.http.request(method, path, headers=headers)).status_code


@pytest.fixture
async def busy(api: Api, merchant: str) -> AsyncIterator[BusyApi]:
    world = api.world
    keys = (SecretStr(KEY), SecretStr(f"narrow:all@other-:{NARROW}"))
    settings = world.settings.model_copy(update={"api_keys": keys})
    slow = SlowConnections(settings, world.store, world.vault, world.client)
    slow.may_answer = asyncio.Event()
    services = Services.create(settings, world.store, world.client)

    async def full() -> bool:
        return slow.asked == MAX_REQUESTS_PER_MERCHANT

    async with (
        serving_on_free_port(replace(services, connections=slow)) as url,
        httpx.AsyncClient(base_url=url, verify=tls(), timeout=30) as http,
    ):
        built = BusyApi(http, merchant)
        asking = [
            asyncio.create_task(built.ask("GET", "/v1/merchants/{merchant}/google", merchant))
            for _ in range(MAX_REQUESTS_PER_MERCHANT)
        ]
        await until(full)
        yield built
        slow.may_answer.set()
        assert await asyncio.gather(*asking) == [200] * MAX_REQUESTS_PER_MERCHANT


async def test_every_route_of_a_merchant_has_a_share_whatever_its_ids_look_like(busy: BusyApi) -> None:
    routes = [(method, route) for method, route in NEEDED_ROLES if "{merchant}" in route]
    answers = await asyncio.gather(*(busy.ask(*each, busy.merchant) for each in routes))
    assert {each for each, status in zip(routes, answers, strict=True) if status != 503} == OWN_LIMITS
    assert await busy.ask("GET", "/v1/merchants/{merchant}/products/{product}", f"{busy.merchant}-other") == 404


async def test_a_key_that_may_not_use_a_merchant_is_told_so_and_waits_for_no_place_of_it(busy: BusyApi) -> None:
    for method, route in (("GET", "/v1/merchants/{merchant}/google"), ("PUT", "/v1/merchants/{merchant}")):
        assert await busy.ask(method, route, busy.merchant, NARROW) == 403


@asynccontextmanager
async def slow_senders(api: Api, request: str, *headers: str) -> AsyncIterator[None]:
    """Have more callers than there are places send all of a request but the end of its body."""
    url = httpx.URL(api.url)
    head = "\r\n".join([f"{request} HTTP/1.1", "Host: here", "Content-Length: 50", *headers])
    async with AsyncExitStack() as opened:
        for _ in range(MAX_REQUESTS + 1):
            _, writer = await asyncio.open_connection(url.host, url.port)
            opened.callback(writer.close)
            writer.write(f"{head}\r\n\r\n{{".encode())
            await writer.drain()
        yield


async def test_bodies_that_arrive_slowly_take_no_place_of_a_merchant_of_the_api_or_of_the_pages(
    api: Api, merchant: str
) -> None:
    json, key = "Content-Type: application/json", f"Authorization: Bearer {KEY}"
    form = "Content-Type: application/x-www-form-urlencoded"
    async with (
        slow_senders(api, f"PUT /v1/merchants/{merchant}", json, key),
        slow_senders(api, "POST /settings/open", form),
    ):
        answer = await api.platform.put(f"/v1/merchants/{merchant}", json={"name": "Kayaks"})
        page = await api.stranger.get("/settings/")
        push = await api.stranger.post("/google/push")
    assert (answer.status_code, page.status_code, push.status_code) == (200, 401, 204)
