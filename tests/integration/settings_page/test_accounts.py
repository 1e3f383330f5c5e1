"""Connecting from the page, as one account and as another."""

import httpx
import pytest

from slotsync.domain.connections.connection import ConnectionState
from slotsync.store.connections.connection_views import ConnectionViews
from tests.support.consent_browser import decide
from tests.support.site import Site, token_in

pytestmark = pytest.mark.anyio


def other(site: Site) -> str:
    """Return a second Google account of the merchant."""
    return f"other-{site.email}"


async def connect(site: Site, mine: httpx.AsyncClient, email: str, *, decision: str = "allow") -> str:
    """Connect Google from the page, and return the page that is shown afterwards."""
    token = token_in((await mine.get("/settings/")).text)
    begun = await mine.post("/settings/connect", data={"token": token}, follow_redirects=False)
    assert begun.headers["location"].startswith(site.world.settings.google_endpoint)
    back = decide(begun.headers["location"], email, decision=decision)
    query = {"state": back.state, "code": back.code, "error": back.error}
    answer = await mine.get("/google/callback", params={name: value for name, value in query.items() if value})
    return answer.text


def connected_as(site: Site) -> str | None:
    return ConnectionViews(site.world.store, site.world.vault, ()).get_view(site.merchant).account


async def answered(site: Site, mine: httpx.AsyncClient, decision: str) -> str:
    """Return the page after this answer to the question about accounts."""
    page = await connect(site, mine, other(site))
    assert "Change the Google account?" in page
    assert connected_as(site) == site.email, "nothing changes before the answer"
    change = page.split('name="change" value="')[1].split('"')[0]
    form = {"token": token_in(page), "change": change, "decision": decision}
    answer = (await mine.post("/settings/account", data=form)).text
    replayed = await mine.post("/settings/account", data=form)
    assert "never asked for" in replayed.text
    return answer


@pytest.fixture
async def accounts(site: Site) -> Site:
    for email in (site.email, other(site)):
        await site.account(email)
    return site


async def test_a_merchant_who_connects_again_with_another_account_is_asked_and_may_stay(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        assert "Google is connected." in await connect(accounts, mine, accounts.email)
        assert "Nothing was changed" in await answered(accounts, mine, "stay")
    assert connected_as(accounts) == accounts.email


async def test_a_merchant_may_change_to_another_account(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        assert "The Google account was changed." in await answered(accounts, mine, "change")
    assert connected_as(accounts) == other(accounts)


async def test_the_same_account_goes_on_without_a_question(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        for _ in range(2):
            assert "Google is connected." in await connect(accounts, mine, accounts.email)


async def test_a_merchant_who_declines_in_google_sees_that_nothing_has_changed(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        assert "You did not allow access" in await connect(accounts, mine, accounts.email, decision="cancel")


async def test_a_link_to_connect_leads_to_google_and_back_to_the_page(accounts: Site) -> None:
    async with httpx.AsyncClient(base_url=accounts.url, follow_redirects=True) as mine:
        begun = await mine.get(await accounts.link(leads="google/connect"), follow_redirects=False)
        back = decide(begun.headers["location"], accounts.email)
        page = await mine.get("/google/callback", params={"state": back.state, "code": back.code or ""})
    assert "Google is connected." in page.text
    assert f"<strong>{accounts.email}</strong>" in page.text


async def test_a_dead_grant_is_said_in_plain_words_and_can_still_be_disconnected(accounts: Site) -> None:
    async with accounts.world.working(), accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        (await accounts.world.http.post(f"/sandbox/accounts/{accounts.email}/revoke")).raise_for_status()
        await accounts.platform.get(f"/v1/merchants/{accounts.merchant}/google/calendars")
        page = await mine.get("/settings/")
        assert "Google no longer gives us access." in page.text
        gone = await mine.post("/settings/disconnect", data={"token": token_in(page.text), "calendars": "delete"})
        assert "Google is disconnected." in gone.text
    view = ConnectionViews(accounts.world.store, accounts.world.vault, ()).get_view(accounts.merchant)
    assert view.state is ConnectionState.DISCONNECTED
    assert view.account is None
