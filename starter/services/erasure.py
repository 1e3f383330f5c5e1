"""Erase a merchant, or one of its reservations: in Google first, then its rows, then its workflows."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from temporalio.client import Client

from slotsync.domain.audit import AuditAction, AuditChange
from slotsync.domain.connections.disconnection import (
    SHARED_GRANT,
    UNREADABLE_GRANT,
    CalendarChoice,
    disconnection_result,
)
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import ErasureHeldUp, Undecryptable, UnknownSubject
from slotsync.grant_ends import GrantEnd, GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.pending_consents import PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.erasures import Erasures
from slotsync.store.reservations.guest_erasure import GuestErasure
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal.erasure import cancel_workflows, delete_runs, list_runs, wait_until_gone, workflows_of
from slotsync.temporal.signals import signal_reservation
from starter.services.connections import ConnectionService
from starter.services.erasure_receipts import (
    LEFT_FOR_GOOD,
    LEFT_FOR_NOW,
    STILL_IN_TEMPORAL,
    Receipt,
    describe_left,
    describe_left_grant,
    describe_subject,
    empty_log,
)

GOOGLE_TIMEOUT: Final = timedelta(minutes=2)
"""The time for which an erasure waits for Google; what is under way goes on by itself after that."""

FORCED_TIMEOUT: Final = timedelta(seconds=10)
"""The time for which a forced erasure waits for Google, and for workflows: for what is taken up at once, no more."""

CANCELLATION_TIMEOUT: Final = timedelta(seconds=20)
"""The time in which workflows may end by themselves; then they are deleted as they are."""

INDEX_TIMEOUT: Final = timedelta(minutes=2)
"""The time in which Temporal usually has deleted what it was asked to: it deletes what has ended once it has saved its
progress, every 30 seconds."""

_POLL_INTERVAL: Final = timedelta(milliseconds=200)
_AGAIN: Final = "It goes on by itself: run the same command again, or with --force, which leaves there what is there"
_MENDED: Final = "Run the same command again once that is mended, or with --force, which leaves it there"
_NO_KEY: Final = "no key opens it"
_NO_ANSWER: Final = "Google did not answer"


class ErasureService:
    """Erases merchants and reservations. Every step may be repeated, so that a run that was killed is run again.

    With ``google`` our calendars and events in Google are deleted; else they stay there as they are. With ``force``
    Google, and workers, are waited for a moment only, and a key never: the receipt says what could not be revoked.
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
        forced_timeout: timedelta = FORCED_TIMEOUT,
    ) -> None:
        self._audit = AuditLog(store, vault)
        self._client = client
        self._store = store
        self._timeout = google_timeout
        self._forced_timeout = min(forced_timeout, google_timeout)
        self._index_timeout = index_timeout
        self._cancellation_timeout = cancellation_timeout
        self._connections = ConnectionService(settings, store, vault, client)
        self._consents = PendingConsents(store, vault)
        self._stored_connections = Connections(store, vault)
        self._disconnections = Disconnections(store, vault)
        self._erasures = Erasures(store)
        self._events = SyncedEvents(store)
        self._grants = GrantEnds(settings, store, vault)
        self._guests = GuestErasure(store, vault)
        self._left = LeftEventStore(store)
        self._messages = WebhookMessages(store, vault)
        self._views = ConnectionViews(store, vault, ())

    async def erase_merchant(self, merchant: str, *, google: bool, force: bool = False) -> Receipt:
        """Give the grant back, and delete all that is stored of the merchant.

        Raises:
            UnknownSubject: nothing is stored of it.
            ErasureHeldUp: Google, or a worker, does not answer, or no key opens a grant; rows and workflows are not
                deleted yet. The merchant may be disconnected by then: its tokens, account, picked calendars, busy times
                and messages about them are gone, and so are grants that Google has ended.
        """
        await self._require_known(merchant, None)
        await asyncio.to_thread(self._close, merchant, None)
        choice = CalendarChoice.DELETE if google else CalendarChoice.KEEP
        unreadable = await asyncio.to_thread(self._disconnections.is_unreadable, merchant)
        # A disconnection forgets what no key opens: a key that is found again could not end it any more.
        notes = () if unreadable and not force else await self._disconnect(merchant, choice, force=force)
        left = [UNREADABLE_GRANT] if unreadable else []
        kept, problems = await asyncio.to_thread(self._end_grants, merchant)
        left += problems
        if left and not force:
            raise ErasureHeldUp(f"{' '.join(left)} {_MENDED}")
        former = await asyncio.to_thread(describe_left, self._left, merchant, None, LEFT_FOR_GOOD)
        notes = tuple(dict.fromkeys((*notes, *kept, *left, *former)))
        return await self._delete(merchant, None, notes, force=force)

    async def erase_reservation(self, merchant: str, reservation: str, *, google: bool, force: bool = False) -> Receipt:
        """Delete all that is stored of a reservation.

        Raises:
            UnknownSubject: nothing is stored of it.
            ErasureHeldUp: Google, or a worker, does not answer; its rows and workflow are not deleted yet. What was
                said of the guest is.
        """
        await self._require_known(merchant, reservation)
        await asyncio.to_thread(self._close, merchant, reservation)
        if google:
            await self._delete_events(merchant, reservation, force=force)
        notes = await asyncio.to_thread(self._describe_events, merchant, reservation)
        return await self._delete(merchant, reservation, notes, force=force)

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
        result = await self._connections.disconnect(merchant, choice, self._google_timeout(force=force))
        if result:
            return result.google_notes
        if not force:
            raise ErasureHeldUp(f"Google has not taken the grant back yet, or no worker runs. {_AGAIN}")
        await asyncio.to_thread(self._give_up, merchant, choice)
        return ("Google was not waited for: calendars and events may still be there.",)

    def _give_up(self, merchant: str, choice: CalendarChoice) -> None:
        """Let the merchant's grant wait for its end, without waiting for its calendars."""
        connection_id = self._stored_connections.get_id(merchant)
        if connection_id:
            self._disconnections.finish(connection_id, choice)

    def _end_grants(self, merchant: str) -> tuple[Sequence[str], Sequence[str]]:
        """End the merchant's grants that wait for it, or for a decision.

        Return notes on those that live on as long as others need their accounts, and on those that live on for good.
        """
        ends = [(since, *self._end_grant(key_hash)) for key_hash, since in self._consents.give_up(merchant).items()]
        left = [describe_left_grant(since, problem) for since, _, problem in ends if problem]
        return [SHARED_GRANT for _, end, _ in ends if end is GrantEnd.SHARED], left

    def _end_grant(self, key_hash: str) -> tuple[GrantEnd, str]:
        """End a grant at Google; return what became of it, and why it could not be ended, or an empty text."""
        try:
            end = self._grants.end(key_hash)
            if end is GrantEnd.SHARED:
                self._grants.leave_to_others(key_hash)
        except Undecryptable:
            return GrantEnd.LATER, _NO_KEY
        return end, _NO_ANSWER if end is GrantEnd.LATER else ""

    async def _delete_events(self, merchant: str, reservation: str, *, force: bool) -> None:
        """Let the reservation's workflow delete its events, as after a cancellation.

        First it writes them without their text: Google keeps deleted events in a bin.
        """
        timeout = self._google_timeout(force=force)
        blank = await self._change_events(self._guests.erase_guest, merchant, reservation, timeout)
        # What is not blank by now is deleted as it is: it is not waited for twice.
        within = timeout if blank else timedelta()
        if not await self._change_events(self._guests.cancel, merchant, reservation, within) and not force:
            raise ErasureHeldUp(f"Google shows events of {reservation} still, or no worker runs. {_AGAIN}")

    async def _change_events(
        self, change: Callable[[str, str, datetime], bool], merchant: str, reservation: str, within: timedelta
    ) -> bool:
        """Change what is stored; return whether Google shows that within this time, or nothing is stored."""
        now = await asyncio.to_thread(self._store.now)
        if not await asyncio.to_thread(change, merchant, reservation, now):
            return True
        await signal_reservation(self._client, ReservationKey(merchant=merchant, reservation=reservation))
        return await wait_for_none(partial(self._guests.count_unwritten, merchant, reservation), within)

    def _describe_events(self, merchant: str, reservation: str) -> Sequence[str]:
        events = self._events.get_events(merchant, reservation)
        shown = [each for each in events if each.written and each.written.present]
        owners = ", ".join(sorted({str(each.key.owner) for each in shown}))
        stay = (f"{len(shown)} events stay in the calendars of {owners}.",) if shown else ()
        return *stay, *describe_left(self._left, merchant, reservation, LEFT_FOR_NOW)

    def _google_timeout(self, *, force: bool) -> timedelta:
        return self._forced_timeout if force else self._timeout

    async def _delete(self, merchant: str, reservation: str | None, google: Sequence[str], *, force: bool) -> Receipt:
        """Delete rows, then workflows, then the rows that those have stored meanwhile."""
        await asyncio.to_thread(lambda: self._erasures.begin(merchant, reservation, self._store.now()))
        await asyncio.to_thread(self._erasures.delete_rows, merchant, reservation)
        query = workflows_of(merchant, reservation)
        within = min(self._forced_timeout, self._cancellation_timeout) if force else self._cancellation_timeout
        await cancel_workflows(self._client, query, within)
        runs = await list_runs(self._client, query)
        started = [each.start_time for each in runs]
        await asyncio.to_thread(self._erasures.count_workflows, merchant, reservation, started)
        await delete_runs(self._client, runs)
        await asyncio.to_thread(self._erasures.delete_rows, merchant, reservation)
        if reservation is not None:
            await asyncio.to_thread(self._messages.forget_reservation, merchant, reservation)
        remains = await asyncio.to_thread(empty_log, self._store)
        if not await wait_until_gone(self._client, query, self._index_timeout):
            remains = (*remains, STILL_IN_TEMPORAL)
        return await asyncio.to_thread(self._write_receipt, merchant, reservation, google, remains)

    def _close(self, merchant: str, reservation: str | None) -> None:
        """Take nothing of it any more, and record who erases it: what follows may be held up, or killed."""
        now, change = self._store.now(), AuditChange(action=AuditAction.ERASED, subject=describe_subject(reservation))
        self._erasures.close(
            merchant, reservation, now, lambda connection: self._audit.record(connection, merchant, change, now)
        )

    def _write_receipt(
        self,
        merchant: str,
        reservation: str | None,
        google: Sequence[str],
        remains: Sequence[str],
    ) -> Receipt:
        erasure = self._erasures.get(merchant, reservation)
        assert erasure
        return Receipt(
            merchant=merchant,
            reservation=reservation,
            begun_at=erasure.begun_at,
            closed_until=erasure.repeat_until,
            google=tuple(google),
            rows=dict(erasure.counts),
            workflows=erasure.workflows,
            remains=tuple(remains),
        )


async def wait_for_none(count: Callable[[], int], within: timedelta) -> bool:
    """Return whether the count is zero, at the latest after this time."""
    ends = asyncio.get_running_loop().time() + within.total_seconds()
    while await asyncio.to_thread(count):
        if asyncio.get_running_loop().time() > ends:
            return False
        await asyncio.sleep(_POLL_INTERVAL.total_seconds())
    return True
