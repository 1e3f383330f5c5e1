"""Drift of a merchant's calendars: list it, and answer what is asked about it."""

import asyncio
from datetime import datetime
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.merchant import MerchantDetails, OnDrift
from slotsync.domain.reservations.drift import DriftAnswer
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import NotTaken, UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.drift_records import DriftRecords, ListedDrift
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_reservation

_ALWAYS: Final = {DriftAnswer.KEEP: OnDrift.REPORT, DriftAnswer.REPAIR: OnDrift.REPAIR}


class DriftService:
    """Reads drift and records answers in the store, and signals the reservations that put ours back."""

    def __init__(self, client: Client, store: Store, vault: Vault) -> None:
        self._client = client
        self._store = store
        self._audit = AuditLog(store, vault)
        self._merchants = Merchants(store, vault, self._audit)
        self._records = DriftRecords(store)

    async def find(
        self, merchant: str, limit: int, after: tuple[datetime, str] | None = None, *, only_open: bool = False
    ) -> list[ListedDrift]:
        """Return the merchant's drift by when it was found, after a time and an id if given."""
        return await asyncio.to_thread(self._records.find, merchant, limit, after, only_open=only_open)

    async def find_asked(self, merchant: str, limit: int) -> list[ListedDrift]:
        """Return the merchant's drift that somebody is asked about and has not answered, the oldest first."""
        return await asyncio.to_thread(self._records.find_asked, merchant, limit)

    async def answer(
        self,
        merchant: str,
        drift_id: str,
        answer: DriftAnswer,
        *,
        always: bool,
        chooser: Chooser = Chooser.PLATFORM,
    ) -> ListedDrift:
        """Record what is to be done about drift that is asked about, with ``always`` about all that comes; return it.

        What the platform wants for all that comes changes nothing that the merchant has chosen for that.

        Raises:
            UnknownSubject: the merchant has no such drift.
            WrongState: nobody asks about it, or no more.
            NotTaken: it is stored, but Temporal did not answer within a few seconds.
        """
        now = await asyncio.to_thread(self._store.now)
        found = await asyncio.to_thread(self._records.answer, merchant, drift_id, answer, self._audit, now)
        if found is None:
            raise UnknownSubject("There is no such drift of this merchant; it may have been forgotten after its time.")
        if always:
            await asyncio.to_thread(self._merchants.put, merchant, MerchantDetails(on_drift=_ALWAYS[answer]), chooser)
        if answer is DriftAnswer.REPAIR and found.reservation:
            await self._signal(ReservationKey(merchant=merchant, reservation=found.reservation))
        return found

    async def _signal(self, key: ReservationKey) -> None:
        try:
            await signal_reservation(self._client, key, "check")
        except RPCError as error:
            raise NotTaken("It is stored, and done as soon as Temporal answers again.") from error
