"""Storms that one merchant makes: each goes on until its block ends."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import httpx

from tests.support.availability_webhooks import HOUR, TOMORROW
from tests.support.http import tls
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.site import enter, token_in
from tests.support.waiting import until
from tests.support.world import World

PAGES = 24
QUESTIONS = 80
SLOW_CALLERS = 100
TABS = 12
TAB_INTERVAL = timedelta(seconds=2)
"""How often an open page asks for its progress."""

Act = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Noise:
    """The noisy merchant: its visit, its platform, and its world."""

    world: World
    visit: httpx.AsyncClient
    platform: httpx.AsyncClient


@asynccontextmanager
async def visiting(world: World, platform: httpx.AsyncClient) -> AsyncIterator[Noise]:
    """Yield the merchant with a visit of its settings page."""
    url = world.settings.public_url
    async with httpx.AsyncClient(
        base_url=url, timeout=60, limits=httpx.Limits(), follow_redirects=True, verify=tls()
    ) as http:
        link = (await platform.post(f"/v1/merchants/{MERCHANT}/settings-link")).raise_for_status().json()["url"]
        (await enter(http, link)).raise_for_status()
        yield Noise(world, http, platform)


@asynccontextmanager
async def going_on(act: Act, callers: int, pause: timedelta = timedelta()) -> AsyncIterator[None]:
    """Have callers act again and again, each with another number."""
    numbers = itertools.count()

    async def call() -> None:
        while True:
            await act(next(numbers))
            await asyncio.sleep(pause.total_seconds())

    calling = [asyncio.create_task(call()) for _ in range(callers)]
    try:
        yield
        ended = [each for each in calling if each.done()]
        assert not ended, [each.exception() for each in ended]
    finally:
        for each in calling:
            each.cancel()
        await asyncio.gather(*calling, return_exceptions=True)


async def load(visit: httpx.AsyncClient, path: str) -> None:
    """Load a page; who is refused comes back when it may."""
    answer = await visit.get(path)
    assert answer.status_code in {200, 429}
    if answer.status_code == 429:
        await asyncio.sleep(int(answer.headers["Retry-After"]))


@asynccontextmanager
async def pages_with_a_slow_google(noise: Noise) -> AsyncIterator[None]:
    """Open pages at another week each time, so that no answer is a recent one."""

    async def open_page(number: int) -> None:
        week = f"{2027 + number // 12}-{1 + number % 12:02}-01"
        await load(noise.visit, f"/settings/?owner={TOUR}&week={week}")

    await noise.world.fault(method="calendarList.list", kind="slow", seconds=9, account=EMAIL, probability=1)
    async with going_on(open_page, PAGES, timedelta(seconds=1)):
        yield
    await noise.world.heal()


@asynccontextmanager
async def open_tabs(noise: Noise) -> AsyncIterator[None]:
    """Leave pages open that ask for their progress; now and then one is loaded again."""

    async def ask(number: int) -> None:
        progress = f"/settings/owners/{TOUR.kind}/{TOUR.id}/progress"
        path = f"/settings/?owner={TOUR}" if number % 15 == 0 else progress
        await load(noise.visit, path)

    async with going_on(ask, TABS, TAB_INTERVAL):
        yield


@asynccontextmanager
async def searches_among_ten_thousand(noise: Noise) -> AsyncIterator[None]:
    """Page through the list, and search in it, as fast as two people can."""

    async def look(number: int) -> None:
        query = f"page={number % 200}" if number % 2 else f"search=tour+{number % 100:03}"
        await load(noise.visit, f"/settings/?{query}")

    async with going_on(look, 2, timedelta(seconds=0.5)):
        yield


@asynccontextmanager
async def pausing_of_ten_thousand(noise: Noise) -> AsyncIterator[None]:
    """Pause everything, which goes on for longer than the block."""
    page = (await noise.visit.get("/settings/")).text
    form = {"token": token_in(page), "sync": "off"}
    assert (await noise.visit.post("/settings/sync", data=form)).status_code == 200
    yield

    async def under_way() -> bool:
        found = await noise.world.slotsync.switch_progress(MERCHANT)
        return found is not None and found.running and found.done > 0

    await until(under_way)


@asynccontextmanager
async def questions_about_one_product(noise: Noise) -> AsyncIterator[None]:
    """Ask whether times are free, as many at once as are refused; who is refused comes back when it may."""

    async def ask(number: int) -> None:
        start = TOMORROW + number % 500 * timedelta(minutes=1)
        body = {"start": start.isoformat(), "end": (start + HOUR).isoformat(), "within_ms": 2000}
        answer = await noise.platform.post(f"/v1/merchants/{MERCHANT}/products/{TOUR.id}/confirm", json=body)
        assert answer.status_code in {200, 429}
        if answer.status_code == 429:
            await asyncio.sleep(int(answer.headers["Retry-After"]))

    await noise.world.fault(method="freebusy.query", kind="slow", seconds=1, account=EMAIL, probability=1)
    async with going_on(ask, QUESTIONS, timedelta(seconds=1)):
        yield
    await noise.world.heal()


@asynccontextmanager
async def slow_callers(noise: Noise) -> AsyncIterator[None]:
    """Hold connections open with heads and bodies that never end."""
    url = httpx.URL(noise.world.settings.public_url)
    authorization = noise.platform.headers["Authorization"]
    head = f"PUT /v1/merchants/{MERCHANT}/products/tour HTTP/1.1\r\nHost: here\r\nAuthorization: {authorization}\r\n"
    body = f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"

    async def call(number: int) -> None:
        async with AsyncExitStack() as stack:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            stack.callback(writer.close)
            writer.write((head if number % 2 else body).encode())
            with suppress(ConnectionError):
                await reader.read()

    async with going_on(call, SLOW_CALLERS):
        yield


class Storm(Protocol):
    """A storm of the noisy merchant."""

    __name__: str

    def __call__(self, noise: Noise) -> AbstractAsyncContextManager[None]:
        """Storm until the block ends."""
        ...


STORMS: Sequence[Storm] = (
    pages_with_a_slow_google,
    open_tabs,
    searches_among_ten_thousand,
    questions_about_one_product,
    slow_callers,
    pausing_of_ten_thousand,
)
