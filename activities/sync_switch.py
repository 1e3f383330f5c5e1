"""Activities of switches of whole merchants: signal the calendars of all products and resources, page by page."""

import asyncio
from collections.abc import Sequence
from typing import Final

from temporalio import activity
from temporalio.client import Client

from activities.signals import Pace, Progress, track_progress
from slotsync.domain.calendars.messages import CalendarRequest, OwnersRequest, SwitchPlan, SwitchRequest, SwitchStop
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.database.engine import Store
from slotsync.temporal.signals import signal_calendar

MAX_OWNERS_PER_PAGE: Final = 20
"""Few, since the sweep signals, without the pace, what is due for long."""


class SyncSwitchActivities:
    """Activities that carry out a merchant's switch, at the pace that all back-fills of a process share."""

    def __init__(self, client: Client, store: Store, vault: Vault, pace: Pace) -> None:
        self._client = client
        self._switches = MerchantSwitches(store, AuditLog(store, vault))
        self._pace = pace

    @activity.defn(no_thread_cancel_exception=True)
    def plan_switch(self, request: SwitchRequest) -> SwitchPlan:
        """Return the revision that is to be carried out, or why there is nothing to do."""
        return self._switches.plan(request.merchant)

    @activity.defn
    async def signal_owners(self, request: OwnersRequest) -> int:
        """Signal the calendars of the merchant's owners at a bounded pace; return how many.

        Each heartbeat says after which owner to go on, should the activity be tried again. It ends early if the
        merchant was switched again.
        """
        async with track_progress() as progress:
            while page := await asyncio.to_thread(self._take_page, request, progress):
                for owner in page:
                    await self._pace.wait_for_turn()
                    calendar = CalendarRequest(merchant=request.merchant, owner=owner)
                    await signal_calendar(self._client, calendar, "settings_changed")
                    progress.advance(str(owner))
        done = progress.signalled
        await asyncio.to_thread(self._switches.record_applied, request.merchant, request.revision, done)
        return done

    @activity.defn(no_thread_cancel_exception=True)
    def record_switch_stop(self, request: SwitchStop) -> None:
        """Record that an operator has stopped it, unless the merchant was switched again meanwhile."""
        self._switches.stop(request.merchant, request.now, revision=request.revision)

    def _take_page(self, request: OwnersRequest, progress: Progress) -> Sequence[Owner]:
        return self._switches.take_owners(
            request.merchant,
            request.revision,
            _read_owner(progress.after),
            signalled=progress.signalled,
            limit=MAX_OWNERS_PER_PAGE,
        )


def _read_owner(text: str) -> Owner | None:
    kind, _, owner_id = text.partition(":")
    return Owner(kind=OwnerKind(kind), id=owner_id) if text else None
