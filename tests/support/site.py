"""A merchant's settings page, over HTTP."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from pydantic import SecretStr

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from slotsync.signing import create_signer
from starter.bootstrap import Services
from starter.services.settings_links import Session
from tests.support.http import tls
from tests.support.oauth_app import Form
from tests.support.samples import EMAIL, MERCHANT
from tests.support.serving import listening_socket, serving
from tests.support.settings import KEY, settings_for
from tests.support.temporal_servers import running_temporal_server
from tests.support.world import World, world_of


@dataclass(frozen=True)
class Site:
    """The page of a merchant; ``platform`` holds the API key."""

    url: str
    world: World
    platform: httpx.AsyncClient
    merchant: str = MERCHANT
    email: str = EMAIL
    """The merchant's Google account."""

    async def add_merchant(self) -> None:
        """Connect the merchant, with two owners of calendars."""
        await self.world.add_merchant(merchant=self.merchant, email=self.email)

    async def link(self, leads: str = "settings-link") -> str:
        """Return a new link of the platform, which knows the merchant."""
        (await self.platform.put(f"/v1/merchants/{self.merchant}", json={})).raise_for_status()
        answer = (await self.platform.post(f"/v1/merchants/{self.merchant}/{leads}")).raise_for_status().json()
        return str(answer.get("url") or answer["authorization_url"])

    async def account(self, email: str | None = None) -> None:
        """Create a Google account that is not connected yet: the merchant's, or another one."""
        account = {"email": email or self.email, "time_zone": "Europe/Helsinki"}
        (await self.world.http.post("/sandbox/accounts", json=account)).raise_for_status()

    async def calendar(self, name: str) -> str:
        """Create a calendar by hand, and return its id."""
        made = await self.world.http.post(f"/sandbox/accounts/{self.email}/calendars", json={"summary": name})
        return str(made.raise_for_status().json()["id"])

    async def appointment(self, calendar: str, title: str, start: str, end: str) -> None:
        """Create an event by hand."""
        event = {"summary": title, "start": {"dateTime": start}, "end": {"dateTime": end}}
        path = f"/sandbox/accounts/{self.email}/calendars/{calendar}/events"
        (await self.world.http.post(path, json=event)).raise_for_status()

    def cookies_of(self, visit: Session | None) -> dict[str, str]:
        """Return the cookies of a browser with this visit."""
        signer = create_signer(self.world.settings, "session")
        return {"slotsync": str(signer.dumps(visit.model_dump(mode="json")))} if visit else {}

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[httpx.AsyncClient]:
        """Yield an HTTP client that has followed a link."""
        async with httpx.AsyncClient(base_url=self.url, verify=tls(), timeout=30, follow_redirects=True) as http:
            (await enter(http, await self.link())).raise_for_status()
            yield http


async def enter(http: httpx.AsyncClient, link: str, *, follow_redirects: bool = True) -> httpx.Response:
    """Open a link, press the button there, and return the answer."""
    form = Form(await http.get(link))
    return await http.post(httpx.URL(link).copy_with(query=None), data=form.hidden, follow_redirects=follow_redirects)


@asynccontextmanager
async def running_site(local_google: RunningLocalGoogle, folder: Path) -> AsyncIterator[Site]:
    """Yield the page of a merchant in a new world."""
    listening, url = listening_socket()
    public = {"public_url": url, "api_keys": (SecretStr(KEY),)}
    settings = settings_for(local_google.url, folder).model_copy(update=public)
    vault = Vault(settings.encryption_keys)
    async with (
        running_temporal_server() as client,
        world_of(settings, vault, client) as world,
        serving(Services.create(settings, world.store, client), listening),
        httpx.AsyncClient(
            base_url=url, verify=tls(), timeout=30, headers={"Authorization": f"Bearer {KEY}"}
        ) as platform,
    ):
        yield Site(url, world, platform)


@asynccontextmanager
async def another_api(site: Site, **settings: object) -> AsyncIterator[Site]:
    """Yield the page by another API of the same installation, with these settings."""
    listening, url = listening_socket()
    own = site.world.settings.model_copy(update={"public_url": url, **settings})
    async with (
        serving(Services.create(own, site.world.store, site.world.client), listening),
        httpx.AsyncClient(base_url=url, timeout=30, headers=site.platform.headers, verify=tls()) as platform,
    ):
        yield replace(site, url=url, platform=platform)


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found.group(1)
