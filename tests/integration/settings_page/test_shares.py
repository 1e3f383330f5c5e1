"""What one visit has under way takes no places that other visits and other merchants need."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest
from typing_extensions import override

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionView
from starter.bootstrap import Services
from starter.services.connections import ConnectionService
from starter.services.page_limit import MAX_FORMS_UNDER_WAY, MAX_PAGES_UNDER_WAY, VISITS_PER_MERCHANT
from starter.services.settings_links import Session
from tests.support.api import serving_on_free_port
from tests.support.http import tls
from tests.support.site import Site
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


class SlowConnections(ConnectionService):
    """Looks at connections, and begins consents, once it may."""

    may_answer: asyncio.Event
    asked: int = 0

    @override
    async def view(self, merchant: str) -> ConnectionView:
        await self._wait()
        return await super().view(merchant)

    @override
    async def begin(self, merchant: str, browser: str, *, name_account: bool = True) -> str:
        await self._wait()
        return await super().begin(merchant, browser, name_account=name_account)

    async def _wait(self) -> None:
        self.asked += 1
        await self.may_answer.wait()


@dataclass(frozen=True)
class SlowSite:
    """A page that waits."""

    http: httpx.AsyncClient
    site: Site
    connections: SlowConnections

    def begin(self, visit: Session, path: str, count: int) -> list[asyncio.Task[int]]:
        """Begin to load a page, or to send a form if it has one, as often as this."""
        return [asyncio.create_task(self._ask(visit, path)) for _ in range(count)]

    async def until_asked(self, count: int) -> None:
        async def so() -> bool:
            return self.connections.asked == count

        await until(so)

    async def _ask(self, visit: Session, path: str) -> int:
        cookies = {"Cookie": "; ".join("=".join(each) for each in self.site.cookies_of(visit).items())}
        if path == "/settings/connect":
            return (await self.http.post(path, data={"token": visit.form_token}, headers=cookies)).status_code
        return (await self.http.get(path, headers=cookies)).status_code


@pytest.fixture
async def slow(site: Site) -> AsyncIterator[SlowSite]:
    world = site.world
    connections = SlowConnections(world.settings, world.store, world.vault, world.client)
    connections.may_answer = asyncio.Event()
    services = replace(Services.create(world.settings, world.store, world.client), connections=connections)
    async with (
        serving_on_free_port(services) as url,
        httpx.AsyncClient(base_url=url, verify=tls(), timeout=30) as http,
    ):
        yield SlowSite(http, site, connections)
        connections.may_answer.set()


def visit_of(merchant: str) -> Session:
    return Session.begin(merchant, utc_now())


@pytest.mark.parametrize(
    ("path", "limit", "done"),
    [("/settings/", MAX_PAGES_UNDER_WAY, 200), ("/settings/connect", MAX_FORMS_UNDER_WAY, 303)],
)
async def test_a_visit_that_keeps_much_waiting_is_refused_more_and_others_are_not(
    slow: SlowSite, path: str, limit: int, done: int
) -> None:
    merchant = slow.site.merchant
    visits = [visit_of(merchant) for _ in range(VISITS_PER_MERCHANT)]
    waiting = [task for each in visits for task in slow.begin(each, path, limit)]
    await slow.until_asked(len(waiting))
    refused = [*slow.begin(visits[0], path, 1), *slow.begin(visit_of(merchant), path, 1)]
    assert await asyncio.gather(*refused) == [429, 429]
    waiting += slow.begin(visit_of(f"other-{merchant}"), path, 1)
    await slow.until_asked(len(waiting))
    slow.connections.may_answer.set()
    assert set(await asyncio.gather(*waiting)) == {done}
    assert await asyncio.gather(*slow.begin(visits[0], path, 1)) == [done], "its place is free again"


async def test_forms_that_wait_take_no_place_of_pages(slow: SlowSite) -> None:
    visit = visit_of(slow.site.merchant)
    forms = slow.begin(visit, "/settings/connect", MAX_FORMS_UNDER_WAY)
    await slow.until_asked(len(forms))
    assert await asyncio.gather(*slow.begin(visit, "/settings/changes", 1)) == [200]
    slow.connections.may_answer.set()
    assert set(await asyncio.gather(*forms)) == {303}
