"""A merchant's settings page, reached over real HTTP, and a real browser to look at it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from pydantic import SecretStr

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from starter.bootstrap import Backend
from tests.servers import real_time
from tests.serving import listener, serving
from tests.world import EMAIL, MERCHANT, World, settings_for, world_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
KEY = "a-key-of-the-platform"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 390, "height": 844}}
PICTURES = os.environ.get("SLOTSYNC_PICTURES", "")
"""A folder for screenshots of the pages, for the docs."""


@dataclass(frozen=True)
class Site:
    """The page of a world; ``platform`` holds the API key."""

    url: str
    world: World
    platform: httpx.AsyncClient

    async def link(self, merchant: str = MERCHANT, leads: str = "settings-link") -> str:
        """A new link of the platform."""
        answer = (await self.platform.post(f"/v1/merchants/{merchant}/{leads}")).raise_for_status().json()
        return str(answer.get("url") or answer["authorization_url"])

    async def account(self, email: str = EMAIL) -> None:
        """A Google account that is not connected yet."""
        account = {"email": email, "time_zone": "Europe/Helsinki"}
        (await self.world.http.post("/sandbox/accounts", json=account)).raise_for_status()

    async def calendar(self, name: str, email: str = EMAIL) -> str:
        """A calendar that the merchant made by hand."""
        made = await self.world.http.post(f"/sandbox/accounts/{email}/calendars", json={"summary": name})
        return str(made.raise_for_status().json()["id"])

    async def appointment(self, calendar: str, title: str, start: str, end: str, email: str = EMAIL) -> None:
        """An event that the merchant made by hand."""
        event = {"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}}
        place = f"/sandbox/accounts/{email}/calendars/{calendar}/events"
        (await self.world.http.post(place, json=event)).raise_for_status()

    @asynccontextmanager
    async def visitor(self, merchant: str = MERCHANT) -> AsyncIterator[httpx.AsyncClient]:
        """A browser without pictures, that has followed a link."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30, follow_redirects=True) as http:
            (await http.get(await self.link(merchant))).raise_for_status()
            yield http


@pytest.fixture
async def site(google: RunningLocalGoogle, tmp_path: Path) -> AsyncIterator[Site]:
    taken, url = listener()
    told = {"public_url": url, "api_keys": (SecretStr(KEY),)}
    settings = settings_for(google.url, tmp_path).model_copy(update=told)
    vault = Vault(settings.encryption_keys)
    async with (
        real_time(vault) as client,
        world_of(settings, vault, client) as world,
        serving(Backend.of(settings, world.store, client), taken),
        httpx.AsyncClient(base_url=url, timeout=30, headers={"Authorization": f"Bearer {KEY}"}) as platform,
    ):
        yield Site(url, world, platform)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    assert CHROMIUM, "CI has to have chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Merchant:
    """A merchant who looks at the page."""

    page: Page
    size: str

    async def sees(self, text: str, within: float = 30) -> None:
        """Waits until this can be seen."""
        await self.page.get_by_text(text).first.wait_for(timeout=within * 1000)

    async def presses(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def is_served_well(self, name: str) -> None:
        """No serious finding of axe, nothing wider than the screen; a picture for the docs, where that is wanted."""
        findings = (await Axe().run(self.page)).response["violations"]
        serious = [each["id"] for each in findings if each["impact"] in {"serious", "critical"}]
        assert serious == [], f"{name}: {findings}"
        wide = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{name} is {wide} pixels too wide"
        if PICTURES:
            await self.page.screenshot(path=f"{PICTURES}/settings-{name}-{self.size}.png", full_page=True)


@asynccontextmanager
async def merchant_at(
    chromium: Browser, size: str, *, language: str = "en-GB", scripts: bool = True
) -> AsyncIterator[Merchant]:
    """A merchant with a fresh browser."""
    width, height = SIZES[size]["width"], SIZES[size]["height"]
    context: BrowserContext = await chromium.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        java_script_enabled=scripts,
        has_touch=size == "phone",
    )
    context.set_default_timeout(30_000)
    yield Merchant(await context.new_page(), size)
    await context.close()
