"""Open pages cost Google little, and the page of one merchant never holds up another one."""

import asyncio
from time import monotonic

import httpx
import pytest

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.store.availability.blocking_calendars import BlockingCalendars
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
