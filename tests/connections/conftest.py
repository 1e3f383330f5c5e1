from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.connections.connection import ConnectionView
from slotsync.secrets import Vault
from slotsync.settings import Settings
from starter.services.connections import AnotherAccount, Connected, Connecting, Refusal
from tests.connections.browser import Return, decide
from tests.servers import real_time
from tests.world import EMAIL, MERCHANT, World, settings_for, world_of

BROWSER = "a secret that only this browser has"
OTHER = "other@gmail.example"


@dataclass(frozen=True)
class Office:
    """Where a merchant connects Google."""

    world: World
    connecting: Connecting

    async def account(self, email: str) -> None:
        account = {"email": email, "time_zone": "Europe/Helsinki"}
        (await self.world.http.post("/sandbox/accounts", json=account)).raise_for_status()

    async def consent(
        self, email: str = EMAIL, *, merchant: str = MERCHANT, ticked: frozenset[str] | None = None
    ) -> Connected | AnotherAccount | Refusal:
        """The whole way: to Google, through its page, and back."""
        return await self.bring(decide(await self.connecting.begin(merchant, BROWSER), email, ticked=ticked))

    async def bring(self, back: Return, browser: str = BROWSER) -> Connected | AnotherAccount | Refusal:
        return await self.connecting.complete(back.state, back.code, browser, error=back.error)

    async def connected(self, email: str = EMAIL, *, merchant: str = MERCHANT) -> ConnectionView:
        result = await self.consent(email, merchant=merchant)
        assert isinstance(result, Connected), result
        return result.connection

    async def calls(self, method: str) -> int:
        totals = (await self.world.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
        return int(totals.get(method, 0))

    async def revoke(self, email: str = EMAIL) -> None:
        (await self.world.http.post(f"/sandbox/accounts/{email}/revoke")).raise_for_status()


@pytest.fixture
def settings(google: RunningLocalGoogle, tmp_path: Path) -> Settings:
    return settings_for(google.url, tmp_path).model_copy(update={"public_url": "http://127.0.0.1:9"})


@pytest.fixture
async def office(settings: Settings, vault: Vault) -> AsyncIterator[Office]:
    """With two Google accounts, of which none is connected."""
    async with real_time(vault) as client, world_of(settings, vault, client) as world:
        office = Office(world, Connecting(settings, world.store, vault, client))
        for email in (EMAIL, OTHER):
            await office.account(email)
        yield office
