"""Open pages cost Google little, and the page of one merchant never holds up another one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

import httpx
import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import OwnerChanges
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.merchants import Merchants
from starter.bootstrap import Services
from starter.services.page_limit import VISITS_PER_MERCHANT, Allowance, PageLimit
from starter.services.settings_links import SESSION_LIFETIME, Session
from tests.support.api import serving_on_free_port
from tests.support.http import tls
from tests.support.samples import TOUR
from tests.support.site import Site

pytestmark = pytest.mark.anyio

OPENED = {"owner": str(TOUR)}
PROGRESS = f"/settings/owners/{TOUR.kind}/{TOUR.id}/progress"


async def count_reads(site: Site) -> int:
    """Return how many calls Google has had for this merchant."""
    answer = (await site.world.http.get("/sandbox/calls", params={"account": site.email})).raise_for_status()
    return len([call for call in answer.json()["items"] if call["account"] == site.email])


async def test_the_progress_of_an_open_page_costs_google_nothing(site: Site) -> None:
    await site.add_merchant()
    async with site.visitor() as mine:
        before = await count_reads(site)
        for _ in range(5):
            shown = await mine.get(PROGRESS)
            assert shown.status_code == 200
            assert "data-live" in shown.text
        assert await count_reads(site) == before
        page = (await mine.get("/settings/", params=OPENED)).text
        assert f'data-address="{PROGRESS}"' in page


async def test_pages_that_are_opened_again_and_again_ask_google_once_in_half_a_minute(site: Site) -> None:
    await site.add_merchant()
    own = [PickableCalendar(id=site.email, name="Own")]
    BlockingCalendars(site.world.store, site.world.vault).replace(site.merchant, TOUR, own)
    async with site.visitor() as mine:
        await mine.get("/settings/", params=OPENED)
        once = await count_reads(site)
        assert once > 0
        await asyncio.gather(*(mine.get("/settings/", params=OPENED) for _ in range(10)))
        assert await count_reads(site) == once


AT_ONCE, INTERVAL = 3, timedelta(seconds=2)
OWN_REFRESHES = (PROGRESS, "/settings/work", "/settings/sync/progress")


class StoppedClock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class LimitedSite:
    """The page of a merchant in a process that lets few pages be loaded."""

    url: str
    site: Site
    clock: StoppedClock

    async def load(self, visit: Session, *paths: str) -> list[int]:
        """Load these pages one after the other, and return the statuses."""
        cookies = self.site.cookies_of(visit)
        async with httpx.AsyncClient(base_url=self.url, timeout=30, cookies=cookies, verify=tls()) as browser:
            return [(await browser.get(path)).status_code for path in paths]


@pytest.fixture
async def limited(site: Site) -> AsyncIterator[LimitedSite]:
    """A merchant with a product, and pages that may be loaded three at once, then every two seconds."""
    clock, world = StoppedClock(), site.world
    Owners(world.store).put(site.merchant, TOUR, OwnerChanges(name="Tour"))
    allowed = Allowance(AT_ONCE, INTERVAL)
    services = Services.create(world.settings, world.store, world.client)
    async with serving_on_free_port(replace(services, page_limit=PageLimit(clock, allowed, allowed))) as url:
        yield LimitedSite(url, site, clock)


def visit_of(merchant: str) -> Session:
    return Session.begin(merchant, utc_now())


async def test_a_page_that_is_loaded_in_a_loop_is_refused_for_a_moment_and_no_other_visit_is(
    limited: LimitedSite,
) -> None:
    mine, colleague = visit_of(limited.site.merchant), visit_of(limited.site.merchant)
    pages = ["/settings/", "/settings/changes", "/settings/", "/settings/changes"]
    assert await limited.load(mine, *pages) == [200, 200, 200, 429]
    assert await limited.load(mine, *OWN_REFRESHES) == [200, 200, 200], "an open page goes on showing its progress"
    assert await limited.load(mine, *OWN_REFRESHES) == [429, 429, 429], "in a loop that is refused, too"
    assert await limited.load(colleague, "/settings/") == [200]
    limited.clock.now += INTERVAL
    assert await limited.load(mine, "/settings/", "/settings/") == [200, 429]


async def test_who_is_refused_gets_a_plain_page_that_says_when_to_come_back(limited: LimitedSite) -> None:
    mine = visit_of(limited.site.merchant)
    await limited.load(mine, *["/settings/"] * AT_ONCE)
    async with httpx.AsyncClient(base_url=limited.url, cookies=limited.site.cookies_of(mine), verify=tls()) as browser:
        refused = await browser.get("/settings/")
        form = await browser.post("/settings/sync", data={"token": mine.form_token, "sync": "off"})
    assert (refused.status_code, form.status_code) == (429, 429)
    assert refused.headers["retry-after"] == str(round(INTERVAL.total_seconds()))
    assert "Please wait a moment" in refused.text
    assert limited.site.merchant not in refused.text
    assert Merchants(limited.site.world.store, limited.site.world.vault).is_synced(limited.site.merchant)


async def test_many_visits_of_a_merchant_load_no_more_than_a_few(limited: LimitedSite) -> None:
    visits = [visit_of(limited.site.merchant) for _ in range(VISITS_PER_MERCHANT + 1)]
    loaded = [await limited.load(each, *["/settings/changes"] * AT_ONCE) for each in visits]
    assert loaded == [[200] * AT_ONCE] * VISITS_PER_MERCHANT + [[429] * AT_ONCE]
    assert await limited.load(visit_of(f"other-{limited.site.merchant}"), "/settings/") == [200]


async def test_visits_that_are_over_take_nothing_of_what_the_merchant_may_load(limited: LimitedSite) -> None:
    for _ in range(VISITS_PER_MERCHANT):
        over = visit_of(limited.site.merchant).model_copy(update={"begun_at": utc_now() - 2 * SESSION_LIFETIME})
        assert await limited.load(over, *["/settings/"] * (AT_ONCE + 1)) == [401] * AT_ONCE + [429]
    assert await limited.load(visit_of(limited.site.merchant), "/settings/") == [200]


@pytest.mark.parametrize("leads", ["settings-link", "google/connect"])
async def test_a_link_that_is_opened_in_a_loop_is_refused_for_a_moment(limited: LimitedSite, leads: str) -> None:
    link = httpx.URL(await limited.site.link(leads))
    async with httpx.AsyncClient(base_url=limited.url, verify=tls()) as browser:
        answers = [await browser.get(link.raw_path.decode()) for _ in range(AT_ONCE + 1)]
    assert [each.status_code for each in answers] == [200] * AT_ONCE + [429]


async def test_who_has_a_link_takes_nothing_of_the_merchants_other_links(limited: LimitedSite) -> None:
    connections = Connections(limited.site.world.store, limited.site.world.vault)
    await limited.site.add_merchant()
    connection_id, number = connections.get_active_id(limited.site.merchant), 1
    assert connection_id
    connections.mark_revoked(connection_id, "invalid_grant", number)
    mailed = httpx.URL(ReconnectLinks(limited.site.world.settings).create(limited.site.merchant, number))
    sent_on, mine = [httpx.URL(await limited.site.link()) for _ in range(2)]
    async with httpx.AsyncClient(base_url=limited.url, verify=tls()) as browser:
        for link in (mailed, sent_on):
            answers = [await browser.get(link.raw_path.decode()) for _ in range(AT_ONCE + 1)]
            assert [each.status_code for each in answers] == [200] * AT_ONCE + [429]
        assert (await browser.get(mine.raw_path.decode())).status_code == 200


async def test_the_progress_of_an_unknown_product_is_not_found(site: Site) -> None:
    await site.add_merchant()
    async with site.visitor() as mine:
        assert (await mine.get("/settings/owners/product/none/progress")).status_code == 404


async def test_pages_with_a_slow_google_hold_up_no_other_merchant(site: Site) -> None:
    await site.add_merchant()
    await site.world.fault(method="calendarList.list", kind="slow", seconds=9, account=site.email, probability=1)
    other = f"{site.merchant}-other"
    async with site.visitor() as mine:
        pages = [asyncio.create_task(_open(mine, number)) for number in range(24)]

        async def times() -> list[float]:
            return [await _put(site.platform, other, number) for number in range(20)]

        slowest = max(await times())
        assert not all(page.done() for page in pages), "Google was not slow"
        assert slowest < 4, "a page waits nine seconds for Google"
        await site.world.heal()
        assert {page.status_code for page in await asyncio.gather(*pages)} == {200}


async def _open(mine: httpx.AsyncClient, number: int) -> httpx.Response:
    """Open the page at another week each time, so that no answer is a recent one."""
    return await mine.get("/settings/", params={**OPENED, "week": f"2027-{1 + number % 12:02}-01"})


async def _put(platform: httpx.AsyncClient, merchant: str, number: int) -> float:
    began = monotonic()
    answer = await platform.put(f"/v1/merchants/{merchant}/products/kayak-{number}", json={"name": "Kayak"})
    assert answer.status_code == 200
    return monotonic() - began
