"""Reservation activities: plan a wave of writes, record its result, and record that an operator stopped it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import activity

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.content_hashes import ContentHasher
from slotsync.domain.health import NO_CALENDAR, NO_CONNECTION, STOPPED_REASON, UNKNOWN_OWNER, distinct
from slotsync.domain.reservations.booked_time import booked_times
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.messages import (
    BlockedEvent,
    PlannedWrite,
    RoundPlan,
    RoundRequest,
    StopRequest,
    WaveResult,
    WriteKind,
)
from slotsync.domain.reservations.plan import Action, Delete, LeftKeys, Put, items_by_key, plan, waiting_state
from slotsync.domain.reservations.schedule import (
    MAX_DEBOUNCE,
    MAX_PARKED_AFTER_END,
    closes_at,
    ends_at,
    is_over,
    starts_at,
    time_zones,
)
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connections import Connections
from slotsync.store.content_hashes import Fingerprints
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.temporal.search_attributes import owner_names

MAX_EVENTS_PER_WAVE = 40
"""Events that are written side by side: a wave adds about 50 kB to the history, of which the server allows 50 MB."""


class ReservationActivities:
    """Activities that plan the waves of a round from the rows of the store, and record their results."""

    def __init__(self, store: Store, vault: Vault, max_debounce: timedelta = MAX_DEBOUNCE) -> None:
        self._calendars = ManagedCalendars(store)
        self._connections = Connections(store, vault)
        self._reservations = Reservations(store, vault)
        self._events = SyncedEvents(store)
        self._left = LeftEventStore(store)
        self._max_debounce = max_debounce
        self._fingerprints = Fingerprints(store, vault)

    @activity.defn(no_thread_cancel_exception=True)
    def plan_round(self, request: RoundRequest) -> RoundPlan:
        """Return the next writes by the newest stored snapshot, and record which events are written or have to wait."""
        known = self._reservations.get(request.merchant, request.reservation)
        desired = self._reservations.get_snapshot(request.merchant, request.reservation)
        if known is None or desired is None:
            return RoundPlan(version=None, closing_reason="it was never reported")
        if known.stopped_at:
            return RoundPlan(version=None, closing_reason=STOPPED_REASON)
        grant_number = self._connections.get_grant_number(request.merchant)
        applied = self._events.get_written(request.merchant, request.reservation)
        owners = list(dict.fromkeys((*desired.owners, *(written.key.owner for written in applied))))
        left_behind = self._left.get_keys(request.merchant, request.reservation)
        hasher = self._fingerprints.get_hasher(request.merchant)
        calendars = self._record_wanted(desired, applied, owners, hasher, left_behind, request.now)
        zones = time_zones(calendars)
        booked = booked_times(desired, time_zones(each for each in calendars if each.known))
        self._reservations.record_plan(desired, ends_at(desired, zones), booked, request.now, mark_merchant_changed)
        steps = plan(desired, applied, calendars, hasher, left_behind)
        self._record_parked(desired, steps.blocked, request.now)
        wanted = items_by_key(desired)
        long_over = is_over(desired, ends_at(desired, zones), request.now - MAX_PARKED_AFTER_END)
        given_up = [each for each in steps.blocked if long_over and each.key in wanted and each.blocker.is_parked]
        waiting = [each for each in steps.blocked if each not in given_up]
        after = request.after if request.version == desired.version else None
        left = [each for each in steps.actions if _is_after(each.key, after)]
        return RoundPlan(
            version=desired.version,
            closing_reason="cancelled" if desired.cancelled else "over",
            grant_number=grant_number,
            writes=tuple(map(_planned_write, left[:MAX_EVENTS_PER_WAVE])),
            more=len(left) > MAX_EVENTS_PER_WAVE,
            blockers=distinct(each.blocker for each in waiting),
            given_up=bool(given_up),
            debts=bool(steps.debts),
            needs_calendars=any(each.blocker == NO_CALENDAR for each in waiting),
            owners=tuple(owner_names(desired.owners)),
            starts_at=starts_at(desired, zones),
            closes_at=closes_at(desired, zones, request.now),
            max_debounce=self._max_debounce,
            seen_due=known.due_at,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def record_wave(self, result: WaveResult) -> bool:
        """Record which events are blocked, and whether the reservation is settled.

        Return true if something has changed since the wave was planned: another version, another grant, or something
        that is due since then, such as an event that was found in a calendar.
        """
        for blocked in result.blocked:
            self._events.mark(
                result.merchant,
                result.reservation,
                blocked.key,
                SyncState(blocked.blocker.health),
                result.now,
                error=blocked.blocker.reason,
                desired_version=result.version,
            )
        if self._connections.get_grant_number(result.merchant) != result.grant_number:
            return True
        return not self._reservations.record_wave(
            result.merchant,
            result.reservation,
            result.version,
            settled=result.settled,
            debts=self._has_debts(result),
            due_at=result.due_at,
            seen_due=(result.seen_due,),
            now=result.now,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def record_stop(self, request: StopRequest) -> None:
        """Record that an operator has stopped the reservation's workflow, unless another version is stored by now."""
        self._reservations.stop(request.merchant, request.reservation, request.now, version=request.version)

    def _has_debts(self, result: WaveResult) -> bool:
        """Return whether anything has to go from a calendar out of reach: that may be known, or gone, by the wave.

        What has come into reach since the wave was planned still stands there: its calendar's workflow signals then.
        """
        merchant, reservation = result.merchant, result.reservation
        left = self._left.get_keys(merchant, reservation)
        desired = self._reservations.get_snapshot(merchant, reservation) if result.debts or left.owed else None
        if desired is None:
            return False
        applied = self._events.get_written(merchant, reservation)
        owners = list(dict.fromkeys((*desired.owners, *(written.key.owner for written in applied))))
        calendars = self._calendars.get_calendars(merchant, owners)
        steps = plan(desired, applied, calendars, self._fingerprints.get_hasher(merchant), left)
        return bool(steps.debts) or any(isinstance(each, Delete) for each in steps.actions)

    def _record_parked(self, desired: Reservation, blocked: Sequence[BlockedEvent], now: datetime) -> None:
        """Record why events are parked though there is a grant: the merchant did not allow all, or Google refuses."""
        for each in blocked:
            if each.blocker not in {NO_CALENDAR, NO_CONNECTION, UNKNOWN_OWNER}:
                parked, reason = SyncState(each.blocker.health), each.blocker.reason
                self._events.mark(desired.merchant, desired.id, each.key, parked, now, reason, desired.version)

    def _record_wanted(  # noqa: PLR0913, PLR0917  what the plan is made of, and when
        self,
        desired: Reservation,
        applied: Sequence[WrittenEvent],
        owners: Sequence[Owner],
        hasher: ContentHasher,
        left_behind: LeftKeys,
        now: datetime,
    ) -> list[ManagedCalendar]:
        """Record the events that have to be written or to wait, and return the calendars of the owners.

        The calendars are read again after the record: who changes settings, or creates a calendar, looks for recorded
        events afterwards. So either this read finds the change, and that is recorded, or that one finds the events.
        """
        recorded = dict[EventKey, SyncState]()
        while True:
            calendars = self._calendars.get_calendars(desired.merchant, owners)
            states = _wanted_states(desired, applied, calendars, hasher, left_behind)
            if states == recorded:
                return calendars
            self._events.record_plan(desired.merchant, desired.id, desired.version, states, now)
            recorded = states


def _wanted_states(
    desired: Reservation,
    applied: Sequence[WrittenEvent],
    calendars: Sequence[ManagedCalendar],
    hasher: ContentHasher,
    left_behind: LeftKeys,
) -> dict[EventKey, SyncState]:
    """Return the states of the events that are not right in Google now."""
    by_owner = {calendar.owner: calendar for calendar in calendars}
    waiting = {key: state for key in items_by_key(desired) if (state := waiting_state(by_owner[key.owner]))}
    steps = plan(desired, applied, calendars, hasher, left_behind)
    debts = dict.fromkeys(steps.debts, SyncState.TO_DELETE)
    return waiting | debts | {each.key: SyncState.PENDING for each in steps.actions if isinstance(each, Put)}


def _is_after(key: EventKey, after: EventKey | None) -> bool:
    return after is None or key.sort_key() > after.sort_key()


def _planned_write(action: Action) -> PlannedWrite:
    if isinstance(action, Put):
        kind, connection_id = WriteKind.PUT, action.event.connection_id
    else:
        kind = WriteKind.DELETE if isinstance(action, Delete) else WriteKind.LOOK
        connection_id = action.connection_id
    return PlannedWrite(kind=kind, key=action.key, connection_id=connection_id, calls=action.calls)
