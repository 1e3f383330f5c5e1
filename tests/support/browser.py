"""A merchant with a real browser."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.waiting import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
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
class BrowsingMerchant:
    """A merchant with the page open in a browser."""

    page: Page
    size: str

    async def sees(self, text: str, within: float = 30) -> None:
        """Wait at most ``within`` seconds until this text is visible."""
        await self.page.get_by_text(text).first.wait_for(timeout=within * 1000)

    async def sees_at_once(self, text: str) -> None:
        """Wait until this text stands in the window, where the browser has landed, without scrolling."""
        found = self.page.get_by_text(text).first
        await found.wait_for()

        async def inside() -> bool:
            box = await found.bounding_box()
            return box is not None and -1 <= box["y"] <= SIZES[self.size]["height"] - box["height"]

        await until(inside)

    async def presses(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def consents(self, email: str, *, without: str = "") -> None:
        """Choose the account on Google's pages, tick all boxes but those ``without``, and press the button."""
        await self.page.locator(".accounts, .chip").first.wait_for()
        if await self.page.get_by_text("change", exact=True).count():
            await self.page.get_by_text("change", exact=True).click()
        await self.page.locator(".accounts").get_by_text(email).click()
        await self.page.locator("input[name=scope]").first.wait_for()
        for box in await self.page.locator("input[name=scope]").all():
            await box.set_checked(not (without and without in (await box.get_attribute("value") or "")))
        await self.presses("Continue")

    async def is_served_well(self, name: str) -> None:
        """Check accessibility (axe) and width, and save a picture for the docs if PICTURES is set."""
        findings = (await Axe().run(self.page)).response["violations"]
        serious = [each["id"] for each in findings if each["impact"] in {"serious", "critical"}]
        assert serious == [], f"{name}: {findings}"
        wide = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{name} is {wide} pixels too wide"
        if PICTURES:
            await self.page.screenshot(path=f"{PICTURES}/settings-{name}-{self.size}.png", full_page=True)


@asynccontextmanager
async def launched_chromium() -> AsyncIterator[Browser]:
    """Yield a browser, in processes of its own; skip the test where there is none."""
    if not CHROMIUM and not os.environ.get("CI"):
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    assert CHROMIUM, "CI has to have chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()


@asynccontextmanager
async def browsing_merchant(
    chromium: Browser, size: str, *, language: str = "en-GB", scripts: bool = True
) -> AsyncIterator[BrowsingMerchant]:
    """Yield a merchant with a new browser."""
    width, height = SIZES[size]["width"], SIZES[size]["height"]
    context: BrowserContext = await chromium.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        java_script_enabled=scripts,
        has_touch=size == "phone",
    )
    context.set_default_timeout(30_000)
    yield BrowsingMerchant(await context.new_page(), size)
    await context.close()
