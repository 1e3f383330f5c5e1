"""What the merchant chooses on the page stays, and an override is told there until the merchant chooses again."""

import re

import pytest

from slotsync.domain.calendars.owner import GuestData, OwnerChanges
from slotsync.errors import MerchantsChoice
from starter.settings_page.home import MAX_CHANGES_SHOWN
from tests.support.samples import TOUR
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

PLACE = f"/settings/owners/{TOUR.kind}/{TOUR.id}"
TOLD = "Your booking system has changed what you had chosen here"


async def test_the_platforms_settings_leave_the_merchants_choice_alone_and_an_override_is_told(site: Site) -> None:
    await site.add_merchant()
    slotsync = site.world.slotsync
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        await mine.post(f"{PLACE}/guest-data", data={"token": token, "guest_data": "busy"})
        await mine.post(f"{PLACE}/sync", data={"token": token, "sync": "off"})
        wanted = OwnerChanges(name="Tour 2027", guest_data=GuestData.FULL, sync=True)
        await slotsync.put_owner(site.merchant, TOUR, wanted)
        settings = await slotsync.settings_of(site.merchant, TOUR)
        assert settings
        assert (settings.name, settings.guest_data, settings.sync) == ("Tour 2027", GuestData.BUSY, False)
        assert TOLD not in (await mine.get("/settings/", params={"owner": str(TOUR)})).text
        await slotsync.put_owner(site.merchant, TOUR, OwnerChanges(guest_data=GuestData.FULL), override=True)
        page = (await mine.get("/settings/", params={"owner": str(TOUR)})).text
        assert TOLD in page
        assert "<li>What entries show about your guests</li>" in page
        assert "<li>On or off</li>" not in page
        await mine.post(f"{PLACE}/guest-data", data={"token": token, "guest_data": "limited"})
        assert TOLD not in (await mine.get("/settings/", params={"owner": str(TOUR)})).text


async def test_an_override_stands_on_the_start_page_until_the_merchant_chooses_again_whatever_else_changes(
    site: Site,
) -> None:
    await site.add_merchant()
    slotsync, told = site.world.slotsync, "has changed what you had chosen for these"
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        await mine.post(f"{PLACE}/guest-data", data={"token": token, "guest_data": "busy"})
        assert told not in (await mine.get("/settings/")).text
        await slotsync.put_owner(site.merchant, TOUR, OwnerChanges(guest_data=GuestData.FULL), override=True)
        for number in range(MAX_CHANGES_SHOWN + 1):
            await slotsync.put_owner(site.merchant, TOUR, OwnerChanges(name=f"Tour {number}."))
        page = (await mine.get("/settings/")).text
        assert told in page
        assert re.search(r'id="overrides">.*?<a href="[^"]*owner=product[^"]*">Tour \d\.</a>', page, re.DOTALL)
        await mine.post(f"{PLACE}/guest-data", data={"token": token, "guest_data": "busy"})
        assert told not in (await mine.get("/settings/")).text


async def test_the_platform_cannot_go_round_a_choice_by_deleting_and_putting_the_product_again(site: Site) -> None:
    path = f"/v1/merchants/{site.merchant}/products/clinic"
    await site.platform.put(path, json={"name": "Clinic visit", "guest_data": "full"})
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        await mine.post("/settings/owners/product/clinic/guest-data", data={"token": token, "guest_data": "busy"})
        await mine.post("/settings/owners/product/clinic/sync", data={"token": token, "sync": "off", "remove": "yes"})
        assert 'href="/settings/?owner=product%3Aclinic' in (await mine.get("/settings/")).text
        assert (await site.platform.delete(path)).status_code == 204
        assert 'href="/settings/?owner=product%3Aclinic' not in (await mine.get("/settings/")).text
        wanted = {"name": "Clinic visit", "guest_data": "full", "sync": True}
        again = (await site.platform.put(path, json=wanted)).raise_for_status().json()
        assert (again["guest_data"], again["sync"], again["chosen"]) == ("busy", False, ["guest_data", "sync"])
        assert TOLD not in (await mine.get("/settings/", params={"owner": "product:clinic"})).text
        over = (await site.platform.put(path, json=wanted | {"override": True})).raise_for_status().json()
        assert (over["guest_data"], over["sync"], over["overridden"]) == ("full", True, ["guest_data", "sync"])
        assert TOLD in (await mine.get("/settings/", params={"owner": "product:clinic"})).text


async def test_that_the_platform_has_resumed_a_paused_merchant_is_told_until_it_chooses_again(site: Site) -> None:
    await site.add_merchant()
    told = "Your booking system has turned on again what you had paused"
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        await mine.post("/settings/sync", data={"token": token, "sync": "off"})
        with pytest.raises(MerchantsChoice):
            await site.world.slotsync.turn_on(site.merchant)
        assert told not in (await mine.get("/settings/")).text
        await site.world.slotsync.turn_on(site.merchant, override=True)
        for _ in range(2):
            page = (await mine.get("/settings/")).text
            assert told in page
            assert "Everything is paused" not in page
        await mine.post("/settings/sync", data={"token": token, "sync": "off"})
        assert told not in (await mine.get("/settings/")).text


@pytest.mark.parametrize(("language", "said"), [("en", "copies that somebody made of an entry"), ("fi", "kopioita")])
async def test_beside_the_level_of_guest_data_stands_what_it_does_not_reach(
    site: Site, language: str, said: str
) -> None:
    await site.add_merchant()
    async with site.visitor() as mine:
        await mine.get(f"/settings/language/{language}")
        page = (await mine.get("/settings/", params={"owner": str(TOUR)})).text
        assert said in page.partition('id="guest-data"')[2].partition("</form>")[0]
