"""The privacy check: its result, and what it never shows."""

import pytest

from slotsync.domain.connections.connection import wanted_scopes
from slotsync.store.connections.connections import Connections
from starter.local.dev import CLIENT_ID
from tests.support.samples import TOUR
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio

TITLE = "Surgery at the hospital"
WIDE = "https://www.googleapis.com/auth/calendar.readonly"


async def check(site: Site, title: str | None = TITLE) -> str:
    """Pick a calendar with this event, press the button, and return the page."""
    private = await site.calendar("Private")
    if title:
        await site.appointment(private, title, "2027-01-06T09:00:00Z", "2027-01-06T10:30:00Z")
    place = f"/settings/owners/{TOUR.kind}/{TOUR.id}"
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        picked = await mine.post(f"{place}/calendars", data={"token": token, "calendar": private})
        assert "close times for booking" in picked.text
        return (await mine.post(f"{place}/privacy", data={"token": token, "calendar": private})).text


async def grant(site: Site, *scopes: str) -> None:
    asked = {"client_id": CLIENT_ID, "scopes": list(scopes)}
    answer = (await site.world.http.post(f"/sandbox/accounts/{site.email}/grant", json=asked)).raise_for_status()
    token = answer.json()["refresh_token"]
    Connections(site.world.store, site.world.vault).save_grant(site.merchant, token, scopes, site.email)


async def test_with_our_scopes_google_shows_bare_times(site: Site) -> None:
    await site.add_merchant()
    page = await check(site)
    assert "Only times" in page
    assert TITLE not in page


async def test_with_the_stricter_scopes_google_shows_nothing(site: Site) -> None:
    await site.add_merchant()
    await grant(site, *wanted_scopes(push=False))
    assert "Nothing: Google refused" in await check(site)


async def test_an_empty_calendar_proves_nothing(site: Site) -> None:
    await site.add_merchant()
    assert "proves nothing" in await check(site, title=None)


async def test_a_title_that_comes_back_turns_the_check_red_and_is_not_shown(site: Site) -> None:
    await site.add_merchant()
    await grant(site, *wanted_scopes(push=True), WIDE)
    page = await check(site)
    assert "Google disclosed more than times" in page
    assert 'class="notice bad" role="status" id="privacy-result"' in page
    assert TITLE not in page


async def test_a_google_that_does_not_answer_is_not_taken_for_a_good_one(site: Site) -> None:
    await site.add_merchant()
    await site.world.fault(method="events.list", kind="backendError", probability=1, account=site.email)
    page = await check(site)
    assert "Google did not answer" in page
    assert "Only times" not in page
