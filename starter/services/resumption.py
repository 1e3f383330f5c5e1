"""Go on with what operators have stopped."""

import asyncio
from collections.abc import Sequence
from typing import Final

from temporalio.client import Client

from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.secrets import Vault
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.signals import (
    MAX_PARALLEL_SIGNALS,
    signal_availability,
    signal_calendar,
    signal_connection,
    signal_reservation,
)

MAX_RESUMED_PER_PAGE: Final = 200


class ResumptionService:
    """Makes stopped rows due again, and signals their workflows."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        self._connections = ConnectionIntents(store)
        self._watched_products = WatchedProducts(store)
        self._owners = Owners(store)
        self._reservations = Reservations(store, vault)

    async def resume(self, merchant: str, reservation: str | None) -> int:
        """Go on with a reservation that an operator stopped, or with all that was stopped of the merchant.

        Return the number of reservations, calendars, products and connections that go on.

        Raises:
            RPCError: Temporal did not answer within a few seconds; repeat the call.
        """
        count = 0
        while ids := await asyncio.to_thread(
            self._reservations.resume, merchant, reservation, self._store.now(), limit=MAX_RESUMED_PER_PAGE
        ):
            for start in range(0, len(ids), MAX_PARALLEL_SIGNALS):
                await self._look_again(merchant, ids[start : start + MAX_PARALLEL_SIGNALS])
            count += len(ids)
        if reservation:
            return count
        count += await self._resume_connection(merchant)
        return count + await self._resume_calendars(merchant) + await self._resume_products(merchant)

    async def _resume_calendars(self, merchant: str) -> int:
        owners = await asyncio.to_thread(self._owners.resume, merchant, self._store.now())
        for owner in owners:
            await signal_calendar(self._client, CalendarRequest(merchant=merchant, owner=owner), "look_again")
        return len(owners)

    async def _resume_connection(self, merchant: str) -> int:
        if not await asyncio.to_thread(self._connections.resume, merchant, self._store.now()):
            return 0
        await signal_connection(self._client, merchant, "check")
        return 1

    async def _resume_products(self, merchant: str) -> int:
        products = await asyncio.to_thread(self._watched_products.resume, merchant, self._store.now())
        for key in products:
            await signal_availability(self._client, key.merchant, key.product)
        return len(products)

    async def _look_again(self, merchant: str, reservations: Sequence[str]) -> None:
        keys = [ReservationKey(merchant=merchant, reservation=each) for each in reservations]
        await asyncio.gather(*(signal_reservation(self._client, key) for key in keys))
