"""Consents, connections and revocations of one merchant with two Google accounts."""

from dataclasses import dataclass

from slotsync.domain.connections.connection import ConnectionView
from starter.services.connections import AnotherAccount, Connected, ConnectionService, ConsentRefused
from tests.support.consent_browser import ConsentReturn, decide
from tests.support.samples import EMAIL, MERCHANT
from tests.support.world import World

BROWSER = "a secret that only this browser has"
OTHER = "other@gmail.example"


@dataclass(frozen=True)
class ConnectionHarness:
    """Where a merchant connects Google."""

    world: World
    connecting: ConnectionService

    async def account(self, email: str) -> None:
        account = {"email": email, "time_zone": "Europe/Helsinki"}
        (await self.world.http.post("/sandbox/accounts", json=account)).raise_for_status()

    async def consent(
        self, email: str = EMAIL, *, merchant: str = MERCHANT, ticked: frozenset[str] | None = None
    ) -> Connected | AnotherAccount | ConsentRefused:
        """The whole way: to Google, through its page, and back."""
        return await self.bring(decide(await self.connecting.begin(merchant, BROWSER), email, ticked=ticked))

    async def bring(self, back: ConsentReturn, browser: str = BROWSER) -> Connected | AnotherAccount | ConsentRefused:
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
