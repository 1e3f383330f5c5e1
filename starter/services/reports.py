"""Report reservations: store the snapshot, then signal its workflow."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.messages import Message
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.reservations.stored_snapshot import content_hash
from slotsync.errors import NotTaken, VersionConflict
from slotsync.secrets import Vault
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Report, ReportResult, Reservations
from slotsync.temporal.signals import (
    signal_availability,
    signal_calendar,
    signal_connection,
    signal_report,
    signal_reservation,
)

MAX_RESUMED_PER_PAGE = 200
MAX_PARALLEL_SIGNALS = 20


class Reported(Message):
    """The result of a report: it is durable, or changed nothing.

    ``superseded``: a newer version was known already, ``version``. ``unchanged``: this version was known already, with
    the same content.
    """

    version: int
    superseded: bool
    unchanged: bool = False


class ReportService:
    """Stores what the platform reports, and signals the workflows of the reservations."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._connections = Connections(store, vault)
        self._watched_products = WatchedProducts(store)
        self._owners = Owners(store)
        self._reservations = Reservations(store, vault)

    async def report(self, reservation: Reservation) -> Reported:
        """Store the snapshot, unless it is known or older than the known one, and signal its workflow.

        Raises:
            NotTaken: the snapshot is stored, and Temporal did not answer within a few seconds; repeat the call.
            VersionConflict: this version is stored with another content.
        """
        report = await asyncio.to_thread(self._reservations.report, reservation, datetime.now(UTC))
        if report.result is ReportResult.CONFLICT:
            raise _conflict(reservation, report)
        # A report that is repeated after NotTaken finds its version stored, and still has to be signalled.
        if report.result is ReportResult.ACCEPTED or (report.result is ReportResult.UNCHANGED and report.due):
            await self._signal(reservation)
        return Reported(
            version=report.version,
            superseded=report.result is ReportResult.SUPERSEDED,
            unchanged=report.result is ReportResult.UNCHANGED,
        )

    async def resume(self, merchant: str, reservation: str | None) -> int:
        """Go on with a reservation that an operator stopped, or with all that was stopped of the merchant.

        Return the number of reservations, calendars, products and connections that go on.

        Raises:
            RPCError: Temporal did not answer within a few seconds; repeat the call.
        """
        count = 0
        while ids := await asyncio.to_thread(
            self._reservations.resume, merchant, reservation, datetime.now(UTC), limit=MAX_RESUMED_PER_PAGE
        ):
            for start in range(0, len(ids), MAX_PARALLEL_SIGNALS):
                await self._look_again(merchant, ids[start : start + MAX_PARALLEL_SIGNALS])
            count += len(ids)
        if reservation:
            return count
        count += await self._resume_connection(merchant)
        return count + await self._resume_calendars(merchant) + await self._resume_products(merchant)

    async def _resume_calendars(self, merchant: str) -> int:
        owners = await asyncio.to_thread(self._owners.resume, merchant, datetime.now(UTC))
        for owner in owners:
            await signal_calendar(self._client, CalendarRequest(merchant=merchant, owner=owner), "look_again")
        return len(owners)

    async def _resume_connection(self, merchant: str) -> int:
        if not await asyncio.to_thread(self._connections.resume, merchant, datetime.now(UTC)):
            return 0
        await signal_connection(self._client, merchant, "check")
        return 1

    async def _resume_products(self, merchant: str) -> int:
        products = await asyncio.to_thread(self._watched_products.resume, merchant, datetime.now(UTC))
        for key in products:
            await signal_availability(self._client, key.merchant, key.product)
        return len(products)

    async def _look_again(self, merchant: str, reservations: Sequence[str]) -> None:
        keys = [ReservationKey(merchant=merchant, reservation=each) for each in reservations]
        await asyncio.gather(*(signal_reservation(self._client, key) for key in keys))

    async def _signal(self, reservation: Reservation) -> None:
        try:
            await signal_report(self._client, reservation)
        except RPCError as error:
            raise NotTaken(
                f"The report of {reservation.id} is stored, but Temporal did not answer in time "
                f"({error.status.name}); repeat it"
            ) from error


def _conflict(reservation: Reservation, report: Report) -> VersionConflict:
    return VersionConflict(
        f"version {report.version} of {reservation.id} was reported with another content "
        f"(known {report.content_hash}, reported {content_hash(reservation)}); "
        "give each change a version of its own"
    )
