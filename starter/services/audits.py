"""Audits of a merchant's managed calendars, on request."""

import asyncio
from dataclasses import dataclass

from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from slotsync.domain.calendars.messages import AuditRequest, AuditResult
from slotsync.domain.calendars.owner import Owner
from slotsync.errors import NotTaken, UnknownSubject
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import start_audit

MAX_PARALLEL_AUDITS = 10


@dataclass(frozen=True)
class CalendarAudit:
    """The result of an audit, of the calendar with this id, of a product or resource."""

    owner: Owner
    calendar_id: str
    result: AuditResult


class AuditService:
    """Looks for drift in a merchant's calendars at once."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._calendars = ManagedCalendars(store)

    async def audit(self, merchant: str, calendar: str | None, *, repair: bool | None) -> list[CalendarAudit]:
        """Look through all of the merchant's calendars, or one; return the results, once all are there.

        ``calendar`` is the id of a calendar in Google, or ``product:`` or ``resource:`` and an id. ``repair`` says
        whether what was found is put right, None if that is as the merchant wants it.

        Raises:
            UnknownSubject: the merchant has no such calendar.
            NotTaken: Temporal did not answer.
        """
        found = await asyncio.to_thread(self._calendars.get_made, merchant)
        chosen = {owner: id_ for owner, id_ in found.items() if calendar in {None, id_, str(owner)}}
        if not chosen:
            raise UnknownSubject(f"{merchant} has no {'such calendar' if calendar else 'calendar yet'}")
        limit = asyncio.Semaphore(MAX_PARALLEL_AUDITS)

        async def audit_one(owner: Owner, id_: str) -> CalendarAudit:
            request = AuditRequest(merchant=merchant, owner=owner, full=True, repair=repair)
            async with limit:
                return CalendarAudit(owner, id_, await self._run(request))

        return list(await asyncio.gather(*(audit_one(owner, id_) for owner, id_ in chosen.items())))

    async def _run(self, request: AuditRequest) -> AuditResult:
        try:
            handle = await start_audit(self._client, request)
            return await handle.result()
        except WorkflowFailureError:
            return AuditResult(reason="stopped")  # by an operator, or by another audit of the same calendar
        except RPCError as error:
            raise NotTaken(f"Temporal did not answer in time ({error.status.name})") from error
