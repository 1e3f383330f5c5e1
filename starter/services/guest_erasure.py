"""Erase what is stored of guests: of one reservation, or of all of a merchant."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from temporalio.client import Client

from slotsync.domain.audit import AuditAction, AuditChange
from slotsync.domain.messages import Message
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.guest_erasure import GuestErasure
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.temporal.signals import MAX_PARALLEL_SIGNALS, signal_reservation
from starter.services.erasure import GOOGLE_TIMEOUT, wait_for_none
from starter.services.erasure_receipts import ELSEWHERE, LEFT_FOR_NOW, describe_left, describe_subject, empty_log


class GuestReceipt(Message):
    """A receipt of an erasure of guests: what it has done, and what remains where.

    Of so many ``reservations`` title, guest, notes and address are erased; their ids, times and products stay.
    """

    merchant: str
    reservation: str | None = None
    reservations: int
    google: tuple[str, ...]
    remains: tuple[str, ...] = ELSEWHERE


class GuestErasureService:
    """Erases what is stored of guests; the workflows of reservations write their events again, without."""

    def __init__(self, client: Client, store: Store, vault: Vault, google_timeout: timedelta = GOOGLE_TIMEOUT) -> None:
        self._client = client
        self._store = store
        self._guests = GuestErasure(store, vault)
        self._left = LeftEventStore(store)
        self._merchants = Merchants(store, vault)
        self._timeout = google_timeout

    async def erase(self, merchant: str, reservation: str | None = None) -> GuestReceipt:
        """Erase the guest of one reservation, or all guests of the merchant.

        Raises:
            UnknownSubject: the merchant or the reservation is not known.
        """
        count = await self._erase_all(merchant) if reservation is None else await self._erase_one(merchant, reservation)
        remains = await asyncio.to_thread(empty_log, self._store)
        await wait_for_none(partial(self._guests.count_unwritten, merchant, reservation), self._timeout)
        google = await asyncio.to_thread(lambda: tuple(self._describe_google(merchant, reservation)))
        return GuestReceipt(
            merchant=merchant, reservation=reservation, reservations=count, google=google, remains=remains
        )

    async def _erase_one(self, merchant: str, reservation: str) -> int:
        if not await self._erase_page(merchant, [reservation], _change(reservation)):
            raise UnknownSubject(f"reservation {reservation} of {merchant} is not known; was it reported?")
        return 1

    async def _erase_all(self, merchant: str) -> int:
        if await asyncio.to_thread(self._merchants.get, merchant) is None:
            raise UnknownSubject(f"merchant {merchant} is not known; was anything reported for it?")
        count, find = 0, partial(self._guests.find_left, merchant, limit=MAX_PARALLEL_SIGNALS)
        while page := await asyncio.to_thread(find):
            count += await self._erase_page(merchant, page, None if count else _change(None))
        return count

    async def _erase_page(self, merchant: str, reservations: Sequence[str], change: AuditChange | None) -> int:
        """Erase the guests of some reservations, then signal their workflows; return how many are known.

        ``change`` is recorded with the first of them, so that it stands in the audit log whatever happens then.
        """
        now = await asyncio.to_thread(self._store.now)
        known = await asyncio.to_thread(self._erase_some, merchant, reservations, now, change)
        keys = (ReservationKey(merchant=merchant, reservation=each) for each in known)
        await asyncio.gather(*(signal_reservation(self._client, key) for key in keys))
        return len(known)

    def _erase_some(
        self, merchant: str, reservations: Sequence[str], now: datetime, change: AuditChange | None
    ) -> list[str]:
        known = list[str]()
        for each in reservations:
            if self._guests.erase_guest(merchant, each, now, None if known else change):
                known.append(each)
        return known

    def _describe_google(self, merchant: str, reservation: str | None) -> Iterator[str]:
        if unwritten := self._guests.count_unwritten(merchant, reservation):
            yield f"{unwritten} reservations are still to be written in Google, which goes on by itself."
        for state, count in self._guests.get_states(merchant, reservation):
            yield f"{count} events are {state} and show what they showed, until their calendar is in reach again."
        yield from describe_left(self._left, merchant, reservation, LEFT_FOR_NOW)


def _change(reservation: str | None) -> AuditChange:
    return AuditChange(action=AuditAction.GUESTS_ERASED, subject=describe_subject(reservation))
