"""Drift activities: look through a managed calendar, record what people did there, and have it put right."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from random import uniform
from typing import Final

from temporalio import activity
from temporalio.client import Client

from activities.errors import google_errors_as_application_errors
from activities.signals import Pace, track_progress
from slotsync.calendar_drift import CalendarDrift, CalendarFindings
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.calendars.messages import AuditRequest, AuditResult, CalendarRequest, DriftSearch
from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.merchant import OnDrift
from slotsync.domain.reservations.drift import MAX_REPAIRS, REPAIRS_COUNTED_FOR, Drift, DriftAction, DriftKind
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.events.listing import GoogleListings
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal.signals import signal_calendar, signal_connection, signal_reservation, start_audit

AUDIT_SPREAD: Final = timedelta(hours=5)
"""The time over which a night's audits are spread."""


class DriftActivities:
    """Activities of audits."""

    def __init__(  # noqa: PLR0913, PLR0917  what they look with, and how fast they signal
        self,
        client: Client,
        settings: Settings,
        store: Store,
        vault: Vault,
        health: ConnectionHealth,
        google: GoogleListings,
        pace: Pace,
    ) -> None:
        self._client = client
        self._store = store
        self._connections = Connections(store, vault)
        self._calendars = ManagedCalendars(store)
        self._drift = CalendarDrift(store, vault, google)
        self._events = SyncedEvents(store)
        self._health = health
        self._owners = Owners(store)
        self._pace = pace
        self._told = bool(settings.webhook_url)
        messages = WebhookMessages(store, vault, settings.webhook_types) if self._told else None
        self._records = DriftRecords(store, messages)

    @activity.defn(no_thread_cancel_exception=True)
    def find_drift(self, request: DriftSearch) -> AuditResult:
        """Look through the owner's calendar, and record what has drifted, unless it only looks. Safe to repeat."""
        grant = self._connections.get_grant_number(request.merchant)
        (calendar,) = self._calendars.get_calendars(request.merchant, [request.owner])
        if not (calendar.settings.sync and calendar.connection_id and calendar.calendar_id):
            return AuditResult(reason="off")
        spec = CalendarSpec(
            merchant=request.merchant,
            owner=request.owner,
            name=calendar.settings.name,
            time_zone=calendar.settings.time_zone,
        )
        with google_errors_as_application_errors(), self._health.recording(calendar.connection_id, whole_call=True):
            found = self._drift.find(spec, calendar, calendar.connection_id, request.now, full=request.full)
        if self._connections.get_grant_number(request.merchant) != grant:
            return AuditResult(reason="another_grant")  # perhaps of another account: what was found says nothing of it
        if request.only_looks:
            return AuditResult(counts=_count(found), complete=found.complete)
        return self._record(request, calendar, found)

    def _record(self, request: DriftSearch, calendar: ManagedCalendar, found: CalendarFindings) -> AuditResult:
        assert calendar.calendar_id is not None
        wanted = self._get_wanted(request)
        recorded = self._records.record(
            CompletedAudit(
                merchant=request.merchant,
                owner=request.owner,
                calendar_id=calendar.calendar_id,
                at=request.now,
                found=[(drift, self._choose_action(request, drift, wanted)) for drift in found.drifts],
                right=found.right,
                unknown=found.unknown,
                complete=found.complete,
                sync_token=found.sync_token,
            )
        )
        if wanted is OnDrift.REPAIR:
            self._have_calendar_repaired(request, calendar.calendar_id, found.drifts)
        return AuditResult(
            counts=_count(found),
            repaired=recorded.repaired,
            complete=found.complete,
            told=len(recorded.new) if self._told else 0,
        )

    def _get_wanted(self, request: DriftSearch) -> OnDrift:
        """Return what is to be done, by the request or else as the merchant wants it."""
        return OnDrift.REPAIR if request.repair else self._records.get_choice(request.merchant)

    def _choose_action(self, request: DriftSearch, drift: Drift, wanted: OnDrift) -> DriftAction:
        """Return what is done: what somebody puts back again and again is only reported."""
        if wanted is OnDrift.REPORT or drift.kind is DriftKind.ACCESS_LOWERED:
            return DriftAction.REPORT
        if drift.reservation is None or drift.key is None:
            return DriftAction.REPAIR if wanted is OnDrift.REPAIR else DriftAction.REPORT
        if drift.kind is DriftKind.ORPHAN:
            return DriftAction.REPORT  # of a reservation that was erased, or that the database has lost
        if wanted is OnDrift.ASK:
            return DriftAction.ASK
        place, since = (drift.reservation, drift.key), request.now - REPAIRS_COUNTED_FOR
        repairs = self._records.count_repairs(request.merchant, place, since)
        return DriftAction.REPORT if repairs >= MAX_REPAIRS else DriftAction.REPAIR

    def _have_calendar_repaired(self, request: DriftSearch, calendar_id: str, drifts: Iterable[Drift]) -> None:
        """Record what the calendar's own workflow has to do: make it anew, or name it."""
        kinds = {each.kind for each in drifts}
        if DriftKind.CALENDAR_DELETED in kinds:
            self._calendars.forget(request.merchant, request.owner, calendar_id)
            self._events.mark_calendar_missing(request.merchant, calendar_id, request.now)
        elif DriftKind.CALENDAR_RENAMED in kinds:
            self._calendars.forget_shown(request.merchant, request.owner, calendar_id)

    @activity.defn
    async def signal_drifted(self, request: DriftSearch) -> int:
        """Signal the workflows that put right what an audit found, and the one that tells the platform.

        Return how many reservations. Each heartbeat says after which one to go on.
        """
        if self._told:
            await signal_connection(self._client, request.merchant, "check")
        owner = CalendarRequest(merchant=request.merchant, owner=request.owner)
        await signal_calendar(self._client, owner, "needed")
        found = self._records.find_repaired
        names = await asyncio.to_thread(found, request.merchant, request.owner, request.now)
        async with track_progress() as progress:
            for name in names:
                if name > progress.after:
                    await self._pace.wait_for_turn()
                    await signal_reservation(
                        self._client, ReservationKey(merchant=request.merchant, reservation=name), "check"
                    )
                    progress.advance(name)
        return progress.signalled

    @activity.defn
    async def start_audits(self) -> int:
        """Start the audits of all managed calendars, spread over some hours; return how many."""
        count = 0
        async with track_progress() as progress:
            for merchant, owner in await asyncio.to_thread(self._calendars.find_all):
                position = f"{merchant} {owner}"
                if position > progress.after:
                    delay = AUDIT_SPREAD * uniform(0, 1)  # noqa: S311  a jitter, no secret
                    await start_audit(self._client, AuditRequest(merchant=merchant, owner=owner), delay)
                    progress.advance(position)
                    count += 1
        return count


def _count(found: CalendarFindings) -> Counter[str]:
    """Return how many drifts of each kind were found."""
    return Counter(drift.kind.value for drift in found.drifts)
