"""The whole way of a merchant, in a real browser: from a link to a filled calendar, and back out again."""

import pytest
from playwright.async_api import Browser

from slotsync.store.calendars.owners import Owners
from tests.support.browser import browsing_merchant
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.site import Site

pytestmark = pytest.mark.anyio

OPEN = {"desktop": 20, "phone": 10}
"""How many reservations the merchant has when it turns synchronization on."""


async def prepare_merchant(site: Site, reservations: int) -> None:
    """Create a merchant with open reservations, nothing synchronized yet, and a calendar of its own."""
    await site.account()
    for owner in (TOUR, GUIDE):
        Owners(site.world.store).put(MERCHANT, owner, settings_of(owner, sync=False))
    for number in range(reservations):
        day = number % 28 + 1
        await site.world.slotsync.report(snapshot(1, item(day=day), name=f"R-{number}", title=f"Guest {number}"))
    private = await site.calendar("Family")
    await site.appointment(private, "Dentist", "2027-07-06T09:00:00+03:00", "2027-07-06T10:30:00+03:00")


@pytest.mark.parametrize("size", ["desktop", pytest.param("phone", marks=pytest.mark.long)])
async def test_a_merchant_connects_picks_turns_on_looks_and_disconnects(
    site: Site, chromium: Browser, size: str
) -> None:
    open_ones = OPEN[size]
    await prepare_merchant(site, open_ones)
    async with site.world.working(), browsing_merchant(chromium, size) as merchant:
        page = merchant.page
        await page.goto(await site.link())
        await merchant.is_served_well("link")
        await merchant.presses("Open the settings")
        await merchant.sees("Not connected")
        await merchant.is_served_well("not-connected")

        await merchant.presses("Connect Google Calendar")
        await merchant.consents(EMAIL, without="calendarlist")
        await merchant.sees(f"Connect {EMAIL} to {MERCHANT}?")
        await merchant.is_served_well("confirm-account")
        await merchant.presses(f"Connect {EMAIL}")
        await merchant.sees("Not everything was allowed")
        await merchant.sees("none can be picked")
        await merchant.is_served_well("not-everything-allowed")
        await merchant.presses("Ask Google again")
        await merchant.consents(EMAIL)
        await merchant.presses(f"Connect {EMAIL}")
        await merchant.sees(f"Connected as {EMAIL}")
        assert not await page.get_by_text("Not everything was allowed").count()

        await merchant.presses("Turn on sunset-tour")
        await merchant.sees(f"{open_ones} of {open_ones} upcoming entries are in Google Calendar", within=120)
        assert len(await site.world.events()) == open_ones
        await merchant.is_served_well("filled")

        await page.get_by_label("Family").check()
        await merchant.presses("Save the calendars")
        await merchant.sees("These calendars close times for booking")
        await page.goto(f"{site.url}/settings/?owner={TOUR}&week=2027-07-05")
        await merchant.sees("Guest 5")
        assert await page.locator(".entry.busy .time").first.text_content() == "09:00\N{EN DASH}10:30"
        assert not await page.get_by_text("Dentist").count(), "what is in the merchant's own calendar is not read"
        await merchant.is_served_well("week")

        await merchant.presses("Check Family")
        await merchant.sees("Only times: Google showed when events are")
        await merchant.is_served_well("privacy-check")

        await page.get_by_role("link", name="All changes").click()
        await merchant.sees(f"Calendars that close times for {TOUR.id}")
        await merchant.is_served_well("changes")
        await page.get_by_role("link", name="Back to the settings").click()
        await page.get_by_label("are deleted; from one").check()
        await merchant.presses("Disconnect Google")
        await merchant.sees("Google is disconnected.")
        await merchant.sees("One calendar was deleted in Google.")
        await merchant.is_served_well("disconnected")
    assert await site.world.calendars() == {"Family": (await site.world.calendars())["Family"]}


async def test_everything_works_without_scripts_and_in_finnish(site: Site, chromium: Browser) -> None:
    await site.world.add_merchant()
    private = await site.calendar("Perhe")
    async with site.world.working(), browsing_merchant(chromium, "phone", language="fi-FI", scripts=False) as merchant:
        page = merchant.page
        await page.goto(await site.link())
        await merchant.presses("Avaa asetukset")
        await merchant.sees("Yhdistetty")
        await page.get_by_role("link", name="sunset-tour").click()
        await page.locator(f"input[value='{private}']").check()
        await merchant.presses("Tallenna kalenterit")
        await merchant.sees_at_once("Nämä kalenterit sulkevat aikoja varauksilta")
        await merchant.presses("Tarkista Perhe")
        await merchant.sees_at_once("Google ei näyttänyt tapahtumia")
        await page.locator("input[value=sell]").check()
        await merchant.presses("Tallenna tämä valinta")
        await merchant.sees_at_once("Tallennettu.")
        await page.locator("input[value=busy]").check()
        await merchant.presses("Tallenna näkyvyys")
        await merchant.sees_at_once("Tallennettu.")
        await page.get_by_role("link", name="English").click()
        await merchant.sees("Connected as")
    settings = Owners(site.world.store).get(MERCHANT, TOUR)
    assert settings
    assert settings.guest_data == "busy"


async def test_the_keyboard_alone_is_enough_to_connect(site: Site, chromium: Browser) -> None:
    await site.account()
    async with browsing_merchant(chromium, "desktop") as merchant:
        await merchant.page.goto(await site.link())
        await merchant.presses("Open the settings")
        await merchant.sees("Not connected")
        for _ in range(10):
            await merchant.page.keyboard.press("Tab")
            if await merchant.page.evaluate("document.activeElement.textContent") == "Connect Google Calendar":
                break
        await merchant.page.keyboard.press("Enter")
        await merchant.sees(EMAIL)
