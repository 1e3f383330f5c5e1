"""What the merchant chooses on the page stays, and an override is told there until the merchant chooses again."""

import pytest

from slotsync.domain.calendars.owner import GuestData, OwnerChanges
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
