"""The picker: what is picked stays until the merchant takes it off."""

import re

import pytest

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from tests.support.samples import TOUR
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

PLACE = f"/settings/owners/{TOUR.kind}/{TOUR.id}"


def ticked(page: str) -> list[str]:
    return re.findall(r'name="calendar" value="([^"]+)" checked', page)


def picked(site: Site) -> list[str]:
    found = BlockingCalendars(site.world.store, site.world.vault).get_calendars(site.merchant, TOUR)
    return [each.id for each in found]


async def test_a_picked_calendar_that_left_the_list_is_shown_ticked_and_stays_when_the_page_is_saved(
    site: Site,
) -> None:
    await site.add_merchant()
    family = await site.calendar("Family")
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        picked_before = [PickableCalendar(id=family, name="Family")]
        BlockingCalendars(site.world.store, site.world.vault).replace(site.merchant, TOUR, picked_before)
        taken_off = await site.world.http.delete(f"/sandbox/accounts/{site.email}/calendarList/{family}")
        taken_off.raise_for_status()
        page = (await mine.get("/settings/", params={"owner": str(TOUR)})).text
        assert ticked(page) == [family]
        assert "no longer in your list of calendars" in page
        saved = await mine.post(f"{PLACE}/calendars", data={"token": token, "calendar": ticked(page)})
        assert "close times for booking" in saved.text
        assert picked(site) == [family]
        await mine.post(f"{PLACE}/calendars", data={"token": token})
        assert picked(site) == []
        assert "no longer in your list" not in (await mine.get("/settings/", params={"owner": str(TOUR)})).text
