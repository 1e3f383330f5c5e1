"""The page of a merchant with very many products: they are shown page by page, and found by name."""

import re

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.store.calendars.owners import Owners
from starter.settings_page.owner_list import OWNERS_PER_PAGE
from tests.support.many_products import add_products
from tests.support.samples import GUIDE, settings_of
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

MANY = 10_000


@pytest.fixture
async def big(site: Site) -> Site:
    """A merchant with ten thousand products, and a resource."""
    await site.world.connect(site.merchant, site.email)
    add_products(site.world.store, site.merchant, MANY)
    Owners(site.world.store).put(site.merchant, GUIDE, settings_of(GUIDE, name="Äijä the guide"))
    return site


def listed(page: str) -> list[str]:
    return re.findall(r'<a href="/settings/\?[^"]*owner=[^"]*"[^>]*>([^<]*)</a>', page)


def link_to(page: str, name: str) -> str:
    (found,) = re.findall(rf'href="([^"]*)">{name}</a>', page)
    return str(found).replace("&amp;", "&")


async def test_ten_thousand_products_are_shown_page_by_page(big: Site) -> None:
    async with big.visitor() as mine:
        first = (await mine.get("/settings/")).text
        assert listed(first) == [f"Tour {number:05}" for number in range(OWNERS_PER_PAGE)]
        assert f"{OWNERS_PER_PAGE} of {MANY + 1}<" in first
        assert "Previous" not in first
        second = (await mine.get(link_to(first, "Next"))).text
        assert listed(second)[0] == f"Tour {OWNERS_PER_PAGE:05}"
        last = (await mine.get("/settings/", params={"page": "999999"})).text
        assert listed(last) == ["Äijä the guide"], "a page that does not exist is the last one"
        assert "Next</a>" not in last
        assert listed((await mine.get("/settings/", params={"page": "none"})).text) == listed(first)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("tour 0999", [f"Tour 0999{digit}" for digit in range(10)]),
        ("TOUR-00042", ["Tour 00042"]),
        ("äijä", ["Äijä the guide"]),
        ("%", []),
        ("<b>", []),
        ("\x00 ", [f"Tour {number:05}" for number in range(OWNERS_PER_PAGE)]),
    ],
)
async def test_a_search_finds_by_name_and_id(big: Site, search: str, found: list[str]) -> None:
    async with big.visitor() as mine:
        page = (await mine.get("/settings/", params={"search": search})).text
        assert listed(page) == found
        assert ("Nothing has this in its name." in page) is (not found)
        assert "<b>" not in page


async def test_a_form_leads_back_to_the_same_place_in_the_list(big: Site) -> None:
    async with big.visitor() as mine:
        page = (await mine.get("/settings/", params={"search": "tour 0", "page": "2"})).text
        owner = Owner.product(f"tour-{OWNERS_PER_PAGE:05}")
        (action,) = re.findall(rf'action="(/settings/owners/product/{owner.id}/sync[^"]*)"', page)
        form = {"token": token_in(page), "sync": "off"}
        answer = await mine.post(action.replace("&amp;", "&"), data=form, follow_redirects=False)
        assert answer.status_code == 303
        back = (await mine.get(answer.headers["location"])).text
        assert listed(back) == listed(page)
        settings = Owners(big.world.store).get(big.merchant, owner)
        assert settings is not None
        assert not settings.sync


async def test_a_merchant_with_few_products_sees_neither_search_nor_pages(site: Site) -> None:
    await site.add_merchant()
    async with site.visitor() as mine:
        page = (await mine.get("/settings/")).text
        assert 'role="search"' not in page
        assert "Next</a>" not in page
