"""A link in an e-mail connects the same account again, for weeks, and shows nothing of the merchant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.merchant import MerchantDetails
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.store.connections.connections import Connections
from slotsync.store.merchants import Merchants
from tests.support.consent_browser import decide
from tests.support.http import tls
from tests.support.oauth_app import Form
from tests.support.page_consents import come_back, connect, connected_as, decide_on
from tests.support.site import Site, enter

pytestmark = pytest.mark.anyio


@pytest.fixture
async def refused(site: Site) -> Site:
    """A merchant with two accounts, of which Google refuses the connected one."""
    await site.account()
    await site.account(other(site))
    async with site.visitor() as mine:
        await connect(site, mine, site.email)
    refuse(site)
    return site


def other(site: Site) -> str:
    return f"other-{site.email}"


def connections(site: Site) -> Connections:
    return Connections(site.world.store, site.world.vault)


def state(site: Site) -> ConnectionState:
    return connections(site).get_state(site.merchant)


def refuse(site: Site) -> None:
    connection_id, number = connections(site).get_active_id(site.merchant), grant_number(site)
    assert connection_id
    assert connections(site).mark_revoked(connection_id, "invalid_grant", number)


def grant_number(site: Site) -> int:
    return connections(site).get_grant_number(site.merchant)


def mailed_link(site: Site) -> str:
    return ReconnectLinks(site.world.settings).create(site.merchant, grant_number(site))


@asynccontextmanager
async def stranger(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a browser without cookies."""
    async with httpx.AsyncClient(base_url=site.url, timeout=30, follow_redirects=True, verify=tls()) as http:
        yield http


async def follow(mine: httpx.AsyncClient, link: str) -> str:
    """Press the button of a link, and return the address in Google."""
    answer = await enter(mine, link, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_link_connects_the_same_account_and_says_so(refused: Site) -> None:
    link = mailed_link(refused)
    async with stranger(refused) as mine:
        asked = await come_back(mine, await follow(mine, link), refused.email)
        assert state(refused) is ConnectionState.REVOKED, "nothing is connected before it was asked"
        page = await decide_on_mail(mine, asked)
        assert "Google is connected." in page
        assert "close this page" in page
    assert (state(refused), connected_as(refused)) == (ConnectionState.ACTIVE, refused.email)


async def decide_on_mail(mine: httpx.AsyncClient, page: str, decision: str = "connect") -> str:
    return await decide_on(page, mine, decision)


async def test_a_link_may_be_followed_often_until_it_has_done_its_work(refused: Site) -> None:
    link = mailed_link(refused)
    async with stranger(refused) as mine:
        declined = await come_back(mine, await follow(mine, link), refused.email, decision="deny")
        assert "You did not allow access" in declined
        assert "open the link in the e-mail once more" in declined
        again = await come_back(mine, await follow(mine, link), refused.email)
        open_form = Form(await mine.get(link)).hidden
        assert "Google is connected." in await decide_on_mail(mine, again)
        for late in (await mine.get(link), await mine.post("/google/reconnect", data=open_form)):
            assert (late.status_code, "nothing left to do" in late.text) == (403, True)
    refuse(refused)
    async with stranger(refused) as mine:
        assert "nothing left to do" in (await mine.get(link)).text, "it was about the grant before"


async def test_another_account_is_refused_and_its_grant_is_ended(refused: Site) -> None:
    revoked = await refused.world.calls("oauth2.revoke")
    async with stranger(refused) as mine:
        page = await come_back(mine, await follow(mine, mailed_link(refused)), other(refused))
        assert "another account than the one that was connected" in page
        assert refused.email not in page
    assert state(refused) is ConnectionState.REVOKED
    assert await refused.world.calls("oauth2.revoke") == revoked + 1


async def test_an_account_that_another_one_has_replaced_meanwhile_is_refused(refused: Site) -> None:
    async with stranger(refused) as mine, refused.visitor() as merchant:
        asked = await come_back(mine, await follow(mine, mailed_link(refused)), refused.email)
        await connect(refused, merchant, other(refused))
        assert "another account than the one that was connected" in await decide_on_mail(mine, asked)
    assert connected_as(refused) == other(refused)


async def test_a_link_shows_neither_settings_nor_the_account(refused: Site) -> None:
    async with stranger(refused) as mine:
        shown = (await mine.get(mailed_link(refused))).text
        consent = await follow(mine, mailed_link(refused))
        assert refused.email not in shown + consent
        assert "login_hint" not in consent
        assert (await mine.get("/settings/")).status_code == 401
        for form in ("connect", "disconnect", "sync", "sign-out", "owners/product/sunset-tour/calendars"):
            assert (await mine.post(f"/settings/{form}")).status_code == 401, form


async def test_a_living_visit_of_the_merchant_goes_on(refused: Site) -> None:
    async with refused.visitor() as mine:
        asked = await come_back(mine, await follow(mine, mailed_link(refused)), refused.email)
        assert "Connected as" in await decide_on_mail(mine, asked)


async def test_a_living_visit_of_another_merchant_ends_and_is_named_before(refused: Site) -> None:
    details = MerchantDetails(name="Other Kayaks")
    Merchants(refused.world.store, refused.world.vault).put("other-kayaks", details)
    answer = (await refused.platform.post("/v1/merchants/other-kayaks/settings-link")).json()
    async with stranger(refused) as mine:
        await enter(mine, answer["url"])
        assert "Other Kayaks" in (await mine.get(mailed_link(refused))).text
        await follow(mine, mailed_link(refused))
        assert (await mine.get("/settings/")).status_code == 401


async def test_with_a_return_address_the_platform_completes(refused: Site) -> None:
    back = {"return_url": "https://platform.example/back"}
    address = f"/v1/merchants/{refused.merchant}"
    (await refused.platform.put(address, json=back)).raise_for_status()
    async with stranger(refused) as mine:
        given = decide(await follow(mine, mailed_link(refused)), refused.email)
        query = {"state": given.state, "code": given.code or ""}
        answer = await mine.get("/google/callback", params=query, follow_redirects=False)
    returned = httpx.URL(answer.headers["location"])
    assert returned.host == "platform.example"
    completed = await refused.platform.post(f"{address}/google/complete", json={"code": returned.params["code"]})
    assert completed.status_code == 200
    assert state(refused) is ConnectionState.ACTIVE


async def test_a_link_of_another_kind_is_none_and_a_link_of_a_disconnected_merchant_does_nothing(refused: Site) -> None:
    link, settings_link = httpx.URL(mailed_link(refused)), httpx.URL(await refused.link())
    async with stranger(refused) as mine:
        for path, signed in (("/settings/open", link), ("/google/connect", link), ("/google/reconnect", settings_link)):
            answer = await mine.get(path, params={"link": signed.params["link"]})
            assert "This link does not work" in answer.text, path
        await refused.platform.delete(f"/v1/merchants/{refused.merchant}/google", params={"calendars": "keep"})
        assert "nothing left to do" in (await mine.get(link)).text


async def test_a_link_that_was_mailed_before_visits_were_ended_leads_nowhere(refused: Site) -> None:
    link = mailed_link(refused)
    assert Merchants(refused.world.store, refused.world.vault).end_visits(refused.merchant)
    async with stranger(refused) as mine:
        assert "ended after it was made" in (await mine.get(link)).text


async def test_the_page_of_a_link_speaks_the_merchants_language(refused: Site) -> None:
    (await refused.platform.put(f"/v1/merchants/{refused.merchant}", json={"language": "fi"})).raise_for_status()
    async with stranger(refused) as mine:
        assert "Jatka Googleen" in (await mine.get(mailed_link(refused))).text


async def test_the_platform_cannot_complete_it_once_another_account_has_replaced_the_one_of_the_link(
    refused: Site,
) -> None:
    address = f"/v1/merchants/{refused.merchant}"
    (await refused.platform.put(address, json={"return_url": "https://platform.example/back"})).raise_for_status()
    async with stranger(refused) as leaver:
        late = await come_back_to_platform(leaver, await follow(leaver, mailed_link(refused)), refused.email)
    async with refused.visitor() as mine:
        form = Form(await mine.get("/settings/")).hidden
        begun = await mine.post("/settings/connect", data={"token": form["token"]}, follow_redirects=False)
        code = await come_back_to_platform(mine, begun.headers["location"], other(refused))
    (await refused.platform.post(f"{address}/google/complete", json={"code": code})).raise_for_status()
    answer = await refused.platform.post(f"{address}/google/complete", json={"code": late})
    assert answer.status_code == 422
    assert "another account than the one that is connected" in answer.text
    assert connected_as(refused) == other(refused)


async def come_back_to_platform(browser: httpx.AsyncClient, consent: str, email: str) -> str:
    """Return the code with which the browser goes back to the platform."""
    given = decide(consent, email)
    query = {"state": given.state, "code": given.code or ""}
    answer = await browser.get("/google/callback", params=query, follow_redirects=False)
    return httpx.URL(answer.headers["location"]).params["code"]
