"""Go on with what operators have stopped."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import NotTaken
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
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
    signal_switch,
)

MAX_RESUMED_PER_PAGE: Final = 200


class ResumptionService:
    """Makes stopped rows due again, and signals their workflows."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        audit = AuditLog(store, vault)
        self._connections = ConnectionIntents(store, audit)
        self._watched_products = WatchedProducts(store, audit)
        self._owners = Owners(store, audit)
        self._switches = MerchantSwitches(store, audit)
        self._reservations = Reservations(store, vault)

    async def resume(self, merchant: str, reservation: str | None) -> int:
        """Go on with a reservation that an operator stopped, or with all that was stopped of the merchant.

        Return the number of reservations, calendars, products, connections and switches that go on.

        Raises:
            NotTaken: nothing of it is stopped any more, but Temporal did not answer within a few seconds.
        """
        now = await asyncio.to_thread(self._store.now)
        resumed = await asyncio.to_thread(self._record, merchant, reservation, now)
        try:
            await self._signal(merchant, resumed)
        except RPCError as error:
            raise NotTaken(
                f"{resumed.count} go on by the next sweep: they are stopped no longer, but Temporal did not answer "
                f"in time ({error.status.name})"
            ) from error
        return resumed.count

    def _record(self, merchant: str, reservation: str | None, now: datetime) -> "_Resumed":
        """Record that it is stopped no longer, before anything is signalled: the sweep signals what is left over."""
        resume = partial(self._reservations.resume, merchant, reservation, now, limit=MAX_RESUMED_PER_PAGE)
        pages = iter(resume, [])
        reservations = tuple(chain.from_iterable(pages))
        if reservation:
            return _Resumed(reservations=reservations)
        return _Resumed(
            reservations=reservations,
            connection=self._connections.resume(merchant, now),
            switch=self._switches.resume(merchant, now),
            owners=tuple(self._owners.resume(merchant, now)),
            products=tuple(self._watched_products.resume(merchant, now)),
        )

    async def _signal(self, merchant: str, resumed: "_Resumed") -> None:
        if resumed.connection:
            await signal_connection(self._client, merchant, "check")
        if resumed.switch:
            await signal_switch(self._client, merchant)
        for owner in resumed.owners:
            await signal_calendar(self._client, CalendarRequest(merchant=merchant, owner=owner), "check")
        for key in resumed.products:
            await signal_availability(self._client, key.merchant, key.product)
        keys = [ReservationKey(merchant=merchant, reservation=each) for each in resumed.reservations]
        for start in range(0, len(keys), MAX_PARALLEL_SIGNALS):
            page = keys[start : start + MAX_PARALLEL_SIGNALS]
            await asyncio.gather(*(signal_reservation(self._client, key) for key in page))


@dataclass(frozen=True)
class _Resumed:
    """The things that are stopped no longer."""

    reservations: Sequence[str]
    connection: bool = False
    switch: bool = False
    owners: Sequence[Owner] = ()
    products: Sequence[ProductKey] = ()

    @property
    def count(self) -> int:
        """The number of reservations, calendars, products, connections and switches."""
        return len(self.reservations) + self.connection + self.switch + len(self.owners) + len(self.products)
