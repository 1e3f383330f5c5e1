"""An attacker and a victim: two merchants of one platform, each with a browser and an account of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Browser

from localgoogle.server import RunningLocalGoogle
from slotsync.store.calendars.owners import Owners
from slotsync.store.export import Export, write_line
from starter.local.dev import CLIENT_ID
from tests.support.booking_platform import BookingPlatform, booking_platform
from tests.support.browser import BrowsingMerchant, browsing_merchant
from tests.support.page_consents import connect
from tests.support.samples import TOUR, settings_of
from tests.support.site import Site, another_api, running_site

ASKS_ITSELF, ASKS_THE_PLATFORM = "without SLOTSYNC_RETURN_URL", "with SLOTSYNC_RETURN_URL"
ATTACKERS_NAME, VICTIMS_NAME = "Crooked Tours", "Vera's Saunas"
GOOGLE = "Connect Google Calendar"


@dataclass(frozen=True)
class Stage:
    """What all plays share: Google, the platform's site, and an API with each way to ask; two browsers."""

    google: RunningLocalGoogle
    platform: BookingPlatform
    sites: dict[str, Site]
    attacker: Browser
    victim: Browser


@asynccontextmanager
async def stage_of(
    google: RunningLocalGoogle, folder: Path, attacker: Browser, victim: Browser
) -> AsyncIterator[Stage]:
    """Yield the stage on one set of servers."""
    async with (
        booking_platform() as platform,
        running_site(google, folder) as site,
        another_api(site, return_url=platform.return_url) as returning,
    ):
        platform.api = site.platform
        yield Stage(google, platform, {ASKS_ITSELF: site, ASKS_THE_PLATFORM: returning}, attacker, victim)


@dataclass(frozen=True)
class Play:
    """One play, with merchants and accounts that no other play has."""

    stage: Stage
    attackers: Site
    victims: Site
    attacker: BrowsingMerchant
    victim: BrowsingMerchant
    diary: str
    """The name of the victim's own calendar."""

    async def connect(self, site: Site) -> None:
        """Connect a merchant with its own account, as it does without an attack."""
        own = replace(site, url=self.stage.sites[ASKS_ITSELF].url, platform=self.stage.sites[ASKS_ITSELF].platform)
        async with own.visitor() as visitor:
            assert "Google is connected." in await connect(own, visitor, site.email)

    async def open_settings(self, merchant: BrowsingMerchant, site: Site) -> None:
        """Open a merchant's settings in a browser."""
        await merchant.page.goto(await site.link())
        await merchant.presses("Open the settings")
        await merchant.sees("Your Google Calendar")

    async def google_url(self) -> str:
        """Let the attacker begin to connect, and return the address at Google, to be sent to the victim."""
        await self.attacker.page.goto(await self.attackers.link("google/connect"))
        await self.attacker.presses("Go on to Google")
        await self.attacker.page.wait_for_url(f"{self.stage.google.url}/**")
        return self.attacker.page.url

    async def attackers_view(self) -> str:
        """Return all that the attacker can see of its merchant: pages, answers of the API, and an export."""
        world = self.stage.sites[ASKS_ITSELF].world
        exported = map(write_line, Export(world.store, world.vault).iterate(self.attackers.merchant))
        return "\n".join([*await self._attackers_pages(), *await self._attackers_answers(), *exported])

    async def _attackers_pages(self) -> list[str]:
        page, pages = self.attacker.page, []
        for path in (f"?owner={TOUR}", "changes"):
            answer = await page.goto(f"{self.attackers.url}/settings/{path}")
            if not answer or answer.status == 401:
                await self.open_settings(self.attacker, self.attackers)
                await page.goto(f"{self.attackers.url}/settings/{path}")
            pages.append(await page.content())
        return pages

    async def _attackers_answers(self) -> list[str]:
        own = f"/v1/merchants/{self.attackers.merchant}"
        paths = ("", "/google", "/google/calendars", "/audit")
        return [(await self.attackers.platform.get(f"{own}{path}")).text for path in paths]

    async def found_by_the_attacker(self) -> set[str]:
        """Return what of the victim the attacker can see."""
        view = await self.attackers_view()
        assert ATTACKERS_NAME in view
        return {each for each in (self.victims.email, self.diary) if each in view}

    async def account_of(self, site: Site) -> str | None:
        """Return the account that is connected to a merchant."""
        answer = await site.platform.get(f"/v1/merchants/{site.merchant}/google")
        account = answer.raise_for_status().json()["account"]
        return account and str(account)

    def grant_lives(self) -> bool:
        """Return whether Google knows a lasting token of the victim's account."""
        return self.stage.google.google.accounts.grants.has_refresh_token(self.victims.email, CLIENT_ID)


@asynccontextmanager
async def play_on(stage: Stage, way: str) -> AsyncIterator[Play]:
    """Yield a play in which the attacker's and the victim's merchants are known, and neither is connected."""
    number = uuid4().hex[:8]
    attackers = await _merchant(stage.sites[way], f"crooked-tours-{number}", ATTACKERS_NAME)
    victims = await _merchant(stage.sites[way], f"veras-saunas-{number}", VICTIMS_NAME)
    diary = f"Diary {number} of Vera"
    await victims.calendar(diary)
    async with (
        browsing_merchant(stage.attacker, "desktop") as attacker,
        browsing_merchant(stage.victim, "desktop") as victim,
    ):
        yield Play(stage, attackers, victims, attacker, victim, diary)


async def _merchant(stage_site: Site, merchant: str, name: str) -> Site:
    site = replace(stage_site, merchant=merchant, email=f"{merchant}@gmail.example")
    (await site.platform.put(f"/v1/merchants/{merchant}", json={"name": name})).raise_for_status()
    Owners(site.world.store).put(merchant, TOUR, settings_of(TOUR))
    await site.account()
    return site
