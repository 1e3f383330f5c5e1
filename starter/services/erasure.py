"""Erase a merchant, or one of its reservations: in Google first, then its rows, then its workflows."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from temporalio.client import Client

from slotsync.domain.audit import WHOLE_MERCHANT, AuditAction, AuditChange
from slotsync.domain.connections.disconnection import CalendarChoice, disconnection_result
from slotsync.domain.messages import Message
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import ErasureHeldUp, GrantLost, Undecryptable, UnknownSubject
from slotsync.grant_ends import GrantEnd, GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import UNREADABLE, Disconnections
from slotsync.store.connections.pending_consents import PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.erasures import Erasures
from slotsync.store.reservations.guest_erasure import GuestErasure
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.erasure import cancel_workflows, delete_workflows, wait_until_gone, workflows_of
from slotsync.temporal.signals import signal_reservation
from starter.services.connections import ConnectionService

GOOGLE_TIMEOUT: Final = timedelta(minutes=2)
"""The time for which an erasure waits for Google; what is under way goes on by itself after that."""

CANCELLATION_TIMEOUT: Final = timedelta(seconds=20)
"""The time in which workflows may end by themselves; then they are deleted as they are."""

INDEX_TIMEOUT: Final = timedelta(seconds=20)
"""The time in which Temporal usually has deleted what it was asked to."""

_POLL_INTERVAL: Final = timedelta(milliseconds=200)
_AGAIN: Final = "It goes on by itself: run the same command again, or with --force, which leaves there what is there"
_MENDED: Final = "Run the same command again once that is mended, or with --force, which leaves it there"
_NO_KEY: Final = "no key opens it"
_NO_ANSWER: Final = "Google did not answer"

ELSEWHERE: Final = (
    "Backups of the databases, until they are overwritten: erase again after a restore.",
    (
        "PostgreSQL's and Temporal's databases keep deleted rows in their files until their own clean-up (vacuum), and "
        "Temporal's tables of timers and tasks name ids until those are due."
    ),
    "The audit log: kinds and times of changes; what they were is encrypted with the merchant's key.",
    "Logs name ids of merchants and reservations, until they are rotated.",
    "Google: what people have copied or moved to calendars that slotsync did not make.",
    "The platform has its own data, and what it was told.",
)
"""The remainder after every erasure."""


class Receipt(Message):
    """A receipt of an erasure: what it has deleted, and what remains where.

    ``rows`` counts the deleted rows by table, those of earlier runs, too; ``workflows`` the deleted runs with their
    histories. Nothing of the merchant or the reservation is stored again until ``closed_until``.
    """

    merchant: str
    reservation: str | None = None
    begun_at: datetime
    closed_until: datetime
    google: tuple[str, ...]
    rows: dict[str, int]
    workflows: int
    remains: tuple[str, ...] = ELSEWHERE


class ErasureService:
    """Erases merchants and reservations. Every step may be repeated, so that a run that was killed is run again.

    With ``google`` our calendars and events in Google are deleted; else they stay there as they are. With ``force``
    nothing waits for Google, nor for a key: the receipt says what could not be revoked.
    """

    def __init__(  # noqa: PLR0913, PLR0917  the parts, and how long each is waited for
        self,
        settings: Settings,
        client: Client,
        store: Store,
        vault: Vault,
        google_timeout: timedelta = GOOGLE_TIMEOUT,
        index_timeout: timedelta = INDEX_TIMEOUT,
        cancellation_timeout: timedelta = CANCELLATION_TIMEOUT,
    ) -> None:
        self._audit = AuditLog(store, vault)
        self._client = client
        self._store = store
        self._timeout = google_timeout
        self._index_timeout = index_timeout
        self._cancellation_timeout = cancellation_timeout
        self._connections = ConnectionService(settings, store, vault, client, disconnect_timeout=google_timeout)
        self._consents = PendingConsents(store, vault)
        self._stored_connections = Connections(store, vault)
        self._disconnections = Disconnections(store, vault)
        self._erasures = Erasures(store)
        self._events = SyncedEvents(store)
        self._grants = GrantEnds(settings, store, vault)
        self._guests = GuestErasure(store, vault)
        self._views = ConnectionViews(store, vault, ())

    async def erase_merchant(self, merchant: str, *, google: bool, force: bool = False) -> Receipt:
        """Give the grant back, and delete all that is stored of the merchant.

        Raises:
            UnknownSubject: nothing is stored of it.
            ErasureHeldUp: Google, or a worker, does not answer, or no key opens a grant; nothing is deleted here yet.
        """
        await self._require_known(merchant, None)
        choice = CalendarChoice.DELETE if google else CalendarChoice.KEEP
        notes = await self._disconnect(merchant, choice, force=force)
        left = await asyncio.to_thread(self._end_grants, merchant)
        if left and not force:
            raise ErasureHeldUp(f"{' '.join(left)} {_MENDED}")
        return await self._delete(merchant, None, (*notes, *left))

    async def erase_reservation(self, merchant: str, reservation: str, *, google: bool, force: bool = False) -> Receipt:
        """Delete all that is stored of a reservation.

        Raises:
            UnknownSubject: nothing is stored of it.
            ErasureHeldUp: Google, or a worker, does not answer; nothing is deleted here but what is said of the guest.
        """
        await self._require_known(merchant, reservation)
        if google:
            await self._delete_events(merchant, reservation, force=force)
        notes = await asyncio.to_thread(self._describe_events, merchant, reservation)
        return await self._delete(merchant, reservation, notes)

    async def _require_known(self, merchant: str, reservation: str | None) -> None:
        for is_known in (self._erasures.get, self._erasures.is_anything_stored):
            if await asyncio.to_thread(is_known, merchant, reservation):
                return
        subject = merchant if reservation is None else f"reservation {reservation} of {merchant}"
        raise UnknownSubject(f"nothing is stored of {subject}")

    async def _disconnect(self, merchant: str, choice: CalendarChoice, *, force: bool) -> Sequence[str]:
        """Disconnect the merchant as the settings page does, if it has a grant; return what that left in Google."""
        if not await asyncio.to_thread(self._views.get_account, merchant):
            return ()
        former = await asyncio.to_thread(self._disconnections.get, merchant)
        if former and not former.alive:
            return disconnection_result(former, (), choice, grant_ended=False).google_notes
        result = await self._connections.disconnect(merchant, choice)
        if result:
            return result.google_notes
        if not force:
            raise ErasureHeldUp(f"Google has not taken the grant back yet, or no worker runs. {_AGAIN}")
        left = await asyncio.to_thread(self._give_up, merchant, choice)
        return ("Google was not waited for: calendars and events may still be there.", *left)

    def _give_up(self, merchant: str, choice: CalendarChoice) -> Sequence[str]:
        """Let the merchant's grant wait for its end, without waiting for its calendars.

        Return the note that it cannot be ended, if no key opens it.
        """
        connection_id = self._stored_connections.get_id(merchant)
        if connection_id is None:
            return ()
        readable = self._is_readable(connection_id)
        self._disconnections.finish(connection_id, choice)
        return () if readable else (_describe_left_grant(self._store.now(), _NO_KEY),)

    def _is_readable(self, connection_id: str) -> bool:
        try:
            self._disconnections.grant(connection_id)
        except GrantLost as lost:
            return lost.reason != UNREADABLE
        return True

    def _end_grants(self, merchant: str) -> Sequence[str]:
        """End the merchant's grants that wait for it, or for a decision; return notes on those that live on."""
        return [
            _describe_left_grant(since, problem)
            for key_hash, since in self._consents.give_up(merchant).items()
            if (problem := self._end_grant(key_hash))
        ]

    def _end_grant(self, key_hash: str) -> str:
        """End a grant at Google; return why that is not possible, or an empty text."""
        try:
            return _NO_ANSWER if self._grants.end(key_hash) is GrantEnd.LATER else ""
        except Undecryptable:
            return _NO_KEY

    async def _delete_events(self, merchant: str, reservation: str, *, force: bool) -> None:
        """Let the reservation's workflow delete its events, as after a cancellation."""
        now = await asyncio.to_thread(self._store.now)
        if not await asyncio.to_thread(self._guests.cancel, merchant, reservation, now):
            return
        await signal_reservation(self._client, ReservationKey(merchant=merchant, reservation=reservation))
        written = partial(self._guests.count_unwritten, merchant, reservation)
        if not await wait_for_none(written, self._timeout) and not force:
            raise ErasureHeldUp(f"Google shows events of {reservation} still, or no worker runs. {_AGAIN}")

    def _describe_events(self, merchant: str, reservation: str) -> Sequence[str]:
        events = self._events.get_events(merchant, reservation)
        shown = [each for each in events if each.written and each.written.present]
        owners = ", ".join(sorted({str(each.key.owner) for each in shown}))
        return (f"{len(shown)} events stay in the calendars of {owners}.",) if shown else ()

    async def _delete(self, merchant: str, reservation: str | None, google: Sequence[str]) -> Receipt:
        """Delete rows, then workflows, then the rows that those have stored meanwhile."""
        await asyncio.to_thread(self._begin, merchant, reservation)
        await asyncio.to_thread(self._erasures.delete_rows, merchant, reservation)
        query = workflows_of(merchant, reservation)
        await cancel_workflows(self._client, query, self._cancellation_timeout)
        workflows = await delete_workflows(self._client, query)
        await asyncio.to_thread(self._erasures.delete_rows, merchant, reservation)
        await asyncio.to_thread(self._store.empty_log)
        await wait_until_gone(self._client, query, self._index_timeout)
        return await asyncio.to_thread(self._write_receipt, merchant, reservation, google, workflows)

    def _begin(self, merchant: str, reservation: str | None) -> None:
        now, subject = self._store.now(), describe_subject(reservation)
        self._erasures.begin(merchant, reservation, now)
        self._audit.record_for_all([merchant], AuditChange(action=AuditAction.ERASED, subject=subject), now)

    def _write_receipt(self, merchant: str, reservation: str | None, google: Sequence[str], workflows: int) -> Receipt:
        erasure = self._erasures.get(merchant, reservation)
        assert erasure
        return Receipt(
            merchant=merchant,
            reservation=reservation,
            begun_at=erasure.begun_at,
            closed_until=erasure.repeat_until,
            google=tuple(google),
            rows=dict(erasure.counts),
            workflows=workflows,
        )


def _describe_left_grant(since: datetime, problem: str) -> str:
    return (
        f"A grant that nobody has needed since {since:%Y-%m-%d %H:%M} UTC could not be revoked at Google: {problem}. "
        "The owner of the account can remove slotsync at https://myaccount.google.com/connections."
    )


def describe_subject(reservation: str | None) -> str:
    """Return the subject of an erasure for the audit log."""
    return WHOLE_MERCHANT if reservation is None else f"reservation:{reservation}"


async def wait_for_none(count: Callable[[], int], within: timedelta) -> bool:
    """Return whether the count is zero, at the latest after this time."""
    ends = asyncio.get_running_loop().time() + within.total_seconds()
    while await asyncio.to_thread(count):
        if asyncio.get_running_loop().time() > ends:
            return False
        await asyncio.sleep(_POLL_INTERVAL.total_seconds())
    return True
