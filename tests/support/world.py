"""Real parts on this machine: a local Google, a store, Temporal, and slotsync's workers."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from temporalio.client import Client

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.signals import quote_value
from starter.client import Slotsync
from starter.local.dev import CLIENT_ID, SCOPES
from tests.support.http import tls
from tests.support.migrated_databases import open_migrated
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, settings_of
from tests.support.settings import settings_for
from tests.support.waiting import until
from worker import running_workers

Event = dict[str, object]


@dataclass(frozen=True)
class World:
    """A world for one test."""

    http: httpx.AsyncClient
    settings: Settings
    store: Store
    vault: Vault
    client: Client
    slotsync: Slotsync
    for_workers: Client

    async def add_merchant(self, *owners: Owner, merchant: str = MERCHANT, email: str = EMAIL) -> None:
        """Add a connected merchant with these products and resources; their calendars are created when first needed."""
        await self.connect(merchant, email)
        for owner in owners or (TOUR, GUIDE):
            Owners(self.store).put(merchant, owner, settings_of(owner))

    async def connect(
        self,
        merchant: str = MERCHANT,
        email: str = EMAIL,
        *,
        resume_all: bool = False,
        scopes: Collection[str] = SCOPES,
    ) -> None:
        account = {"email": email, "time_zone": "Europe/Helsinki"}
        (await self.http.post("/sandbox/accounts", json=account)).raise_for_status()
        grant = {"client_id": CLIENT_ID, "scopes": list(scopes)}
        answer = (await self.http.post(f"/sandbox/accounts/{email}/grant", json=grant)).raise_for_status()
        new = NewGrant(
            account_email=email,
            account_key=email,
            scopes=frozenset(scopes),
            refresh_token=answer.json()["refresh_token"],
        )
        Connections(self.store, self.vault).save(merchant, new, resume_all=resume_all)

    async def fault(self, **fault: object) -> None:
        (await self.http.post("/sandbox/faults", json=fault)).raise_for_status()

    async def heal(self) -> None:
        (await self.http.delete("/sandbox/faults")).raise_for_status()

    async def calendars(self, email: str = EMAIL) -> dict[str, str]:
        """Return the ids of the account's calendars by name, without the primary one."""
        answer = (await self.http.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status()
        return {each["summary"]: each["id"] for each in answer.json()["items"] if each["id"] != email}

    async def events(self, owner: Owner = TOUR, email: str = EMAIL) -> list[Event]:
        """Return the events in an owner's calendar, without deleted ones."""
        calendar = (await self.calendars(email)).get(owner.id)
        if calendar is None:
            return []
        address = f"/sandbox/accounts/{email}/calendars/{calendar}/events"
        answer = (await self.http.get(address)).raise_for_status()
        return [each for each in answer.json()["items"] if each["status"] != "cancelled"]

    async def titles(self, owner: Owner = TOUR, email: str = EMAIL) -> list[str]:
        return sorted(str(event["summary"]) for event in await self.events(owner, email))

    async def statuses(self, method: str) -> set[int]:
        """Return the HTTP statuses of the method's calls so far; 0 is a call without an answer."""
        answer = (await self.http.get("/sandbox/calls", params={"method": method})).raise_for_status()
        return {call["status"] for call in answer.json()["items"]}

    async def calls(self, method: str) -> int:
        """Return the number of calls of a method so far."""
        totals = (await self.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
        return int(totals.get(method, 0))

    async def writes(self) -> int:
        """Return the number of calls that changed an event, or tried to."""
        totals = (await self.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
        return sum(totals.get(f"events.{method}", 0) for method in ("insert", "update", "patch", "delete", "import"))

    def store_report(self, reservation: Reservation) -> None:
        """Store a snapshot as a process does that dies before it signals."""
        Reservations(self.store, self.vault).report(reservation, datetime.now(UTC))

    async def settled(self, version: int, name: str = "R-1", merchant: str = MERCHANT, within: float = 120) -> None:
        """Wait until Google shows this version."""

        async def shown() -> bool:
            return (await self.slotsync.settled_versions(merchant)).get(name, -1) >= version

        await until(shown, within)

    async def at_rest(self, newest: Iterable[Reservation], within: float = 120, *, only_of: str | None = None) -> None:
        """Wait until Google shows these versions and no workflow has anything left to do; or only one merchant's."""
        wanted = list(newest)
        left: list[str] = []

        async def resting() -> bool:
            left[:] = await self._busy(only_of) or await self._behind(wanted)
            return not left

        try:
            await until(resting, within, poll_interval=0.5)
        except TimeoutError:
            raise AssertionError(f"after {within} s: {left}") from None

    async def _behind(self, wanted: Sequence[Reservation]) -> list[str]:
        merchants = {each.merchant for each in wanted}
        shown = {merchant: await self.slotsync.settled_versions(merchant) for merchant in merchants}
        services = (each for each in wanted if shown[each.merchant].get(each.id, -1) < each.version)
        return [f"{each.id} is not at version {each.version}" for each in services]

    async def _busy(self, merchant: str | None) -> list[str]:
        theirs = f" AND SlotsyncMerchant = {quote_value(merchant)}" if merchant else ""
        query = f"ExecutionStatus = 'Running' AND SlotsyncHealth != 'in_step'{theirs}"
        busy = (await self.client.count_workflows(query)).count
        return [f"{busy} workflows are busy"] if busy else []

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run slotsync's workers within the block.

        In a task of their own: a worker that fails cancels the task that started it, and all tests share one (anyio).
        """
        started, stop = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(self._work(started, stop))
        begun = asyncio.create_task(started.wait())
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        try:
            yield
        finally:
            stop.set()
            await task

    async def _work(self, started: asyncio.Event, stop: asyncio.Event) -> None:
        async with running_workers(self.for_workers, self.settings, self.store, self.vault):
            started.set()
            await stop.wait()


@asynccontextmanager
async def world(
    local_google: RunningLocalGoogle, vault: Vault, client: Client, folder: Path, for_workers: Client | None = None
) -> AsyncIterator[World]:
    async with world_of(settings_for(local_google.url, folder), vault, client, for_workers) as built:
        yield built


@asynccontextmanager
async def world_of(
    settings: Settings, vault: Vault, client: Client, for_workers: Client | None = None
) -> AsyncIterator[World]:
    store = open_migrated(settings.database_url)
    async with httpx.AsyncClient(base_url=settings.google_endpoint, verify=tls(), timeout=30) as http:
        yield World(http, settings, store, vault, client, Slotsync(client, store, vault), for_workers or client)
    store.close()
