"""Report reservations: store the snapshot, then signal its workflow."""

import asyncio

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import NotTaken, VersionConflict
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import ReportResult, Reservations, StoredReport
from slotsync.temporal.signals import (
    signal_report,
)


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
        self._store = store
        self._reservations = Reservations(store, vault)

    async def report(self, reservation: Reservation) -> Reported:
        """Store the snapshot, unless it is known or older than the known one, and signal its workflow.

        Raises:
            NotTaken: the snapshot is stored, and Temporal did not answer within a few seconds; repeat the call.
            VersionConflict: this version is stored with another content.
        """
        report = await asyncio.to_thread(lambda: self._reservations.report(reservation, self._store.now()))
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

    async def _signal(self, reservation: Reservation) -> None:
        try:
            await signal_report(self._client, reservation)
        except RPCError as error:
            raise NotTaken(
                f"The report of {reservation.id} is stored, but Temporal did not answer in time "
                f"({error.status.name}); repeat it"
            ) from error


def _conflict(reservation: Reservation, report: StoredReport) -> VersionConflict:
    return VersionConflict(
        f"version {report.version} of {reservation.id} was reported with another content; "
        "give each change a version of its own"
    )
