"""A merchant with a real browser."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.async_api import Browser, BrowserContext, Page

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

    async def presses(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

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
