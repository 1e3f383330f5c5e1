"""A merchant's settings page, over HTTP."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from starter.bootstrap import Services
from tests.support.samples import EMAIL, MERCHANT
from tests.support.serving import listening_socket, serving
from tests.support.settings import KEY, settings_for
from tests.support.temporal_servers import temporal_server
from tests.support.world import World, world_of


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
    taken, url = listening_socket()
    told = {"public_url": url, "api_keys": (SecretStr(KEY),)}
    settings = settings_for(google.url, tmp_path).model_copy(update=told)
    vault = Vault(settings.encryption_keys)
    async with (
        temporal_server(vault) as client,
        world_of(settings, vault, client) as world,
        serving(Services.of(settings, world.store, client), taken),
        httpx.AsyncClient(base_url=url, timeout=30, headers={"Authorization": f"Bearer {KEY}"}) as platform,
    ):
        yield Site(url, world, platform)


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found.group(1)
