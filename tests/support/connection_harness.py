"""Consents, connections and revocations of one merchant with two Google accounts."""

from dataclasses import dataclass

from slotsync.domain.connections.connection import ConnectionView
from starter.services.connections import ConnectionService
from starter.services.consent_results import Connected, ConsentGiven, ConsentRefused
from tests.support.consent_browser import ConsentReturn, decide
from tests.support.samples import EMAIL, MERCHANT
from tests.support.world import World

BROWSER = "a secret that only this browser has"
OTHER = "other@gmail.example"


@dataclass(frozen=True)
class ConnectionHarness:
    """Connects and disconnects merchants of one world, and counts the calls at Google."""

    world: World
    service: ConnectionService

    async def account(self, email: str) -> None:
        account = {"email": email, "time_zone": "Europe/Helsinki"}
        (await self.world.http.post("/sandbox/accounts", json=account)).raise_for_status()

    async def consent(
        self, email: str = EMAIL, *, merchant: str = MERCHANT, ticked: frozenset[str] | None = None
    ) -> ConsentGiven | ConsentRefused:
        """Give a consent: to Google, through its page, and back. Nothing is connected yet."""
        return await self.complete(decide(await self.service.begin(merchant, BROWSER), email, ticked=ticked))

    async def complete(self, answer: ConsentReturn, browser: str = BROWSER) -> ConsentGiven | ConsentRefused:
        return await self.service.complete(answer.state, answer.code, browser, error=answer.error)

    async def connected(self, email: str = EMAIL, *, merchant: str = MERCHANT) -> ConnectionView:
        return (await self.confirmed(await self.consent(email, merchant=merchant))).connection

    async def confirmed(self, given: ConsentGiven | ConsentRefused) -> Connected:
        """Connect the account of a consent, as the merchant does on the page."""
        assert isinstance(given, ConsentGiven), given
        result = await self.service.confirm(given.code, BROWSER)
        assert isinstance(result, Connected), result
        return result

    async def calls(self, method: str) -> int:
        totals = (await self.world.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
        return int(totals.get(method, 0))

    async def revoke(self, email: str = EMAIL) -> None:
        (await self.world.http.post(f"/sandbox/accounts/{email}/revoke")).raise_for_status()
