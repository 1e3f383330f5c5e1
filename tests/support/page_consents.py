"""Consents that are given from the settings page, or from a link to Google's consent page."""

import httpx

from slotsync.store.connections.connection_views import ConnectionViews
from tests.support.consent_browser import decide
from tests.support.site import Site, enter, token_in


async def follow(mine: httpx.AsyncClient, link: str) -> httpx.Response:
    """Use a link to Google's consent page, and return the redirection to it."""
    return await enter(mine, link, follow_redirects=False)


async def allow(site: Site, mine: httpx.AsyncClient, email: str, *, decision: str = "allow") -> str:
    """Allow access at Google from the page, and return the page that is shown afterwards."""
    token = token_in((await mine.get("/settings/")).text)
    begun = await mine.post("/settings/connect", data={"token": token}, follow_redirects=False)
    assert begun.headers["location"].startswith(site.world.settings.google_endpoint)
    return await come_back(mine, begun.headers["location"], email, decision=decision)


async def come_back(mine: httpx.AsyncClient, url: str, email: str, *, decision: str = "allow") -> str:
    """Decide at Google, and return the page that is shown afterwards."""
    back = decide(url, email, decision=decision)
    query = {"state": back.state, "code": back.code, "error": back.error}
    answer = await mine.get("/google/callback", params={name: value for name, value in query.items() if value})
    return answer.text


async def decide_on(page: str, mine: httpx.AsyncClient, decision: str) -> str:
    """Press a button of the page that asks whether to connect the account, and return the page after it."""
    code = page.split('name="code" value="')[1].split('"', maxsplit=1)[0]
    form = {"token": token_in(page), "code": code, "decision": decision}
    answer = (await mine.post("/settings/account", data=form)).text
    replayed = await mine.post("/settings/account", data=form)
    assert "never asked for" in replayed.text
    return answer


async def connect(site: Site, mine: httpx.AsyncClient, email: str) -> str:
    """Connect Google from the page, and return the page that is shown afterwards."""
    return await decide_on(await allow(site, mine, email), mine, "connect")


def connected_as(site: Site) -> str | None:
    return ConnectionViews(site.world.store, site.world.vault, ()).get_view(site.merchant).account
