"""Read the sync status of reservations and merchants."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState, wanted_scopes
from slotsync.domain.connections.refused_grants import STOPPED_REMEDY
from slotsync.domain.health import NO_WRITE_ACCESS_REASON, STAGED_REASON, STOPPED
from slotsync.domain.messages import Message
from slotsync.domain.reservations.drift import DriftKind
from slotsync.domain.reservations.event import HELD_UP, EventKey, SyncState
from slotsync.domain.reservations.plan import plan
from slotsync.domain.reservations.reservation_filter import ReservationFilter
from slotsync.domain.reservations.schedule import is_over
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.errors import UnknownSubject
from slotsync.secrets import Vault
from slotsync.store.calendars.drift_records import DriftRecords
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_views import ConnectionViews, MerchantConnection
from slotsync.store.content_hashes import Fingerprints
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.reservation_list import ReservationList
from slotsync.store.reservations.reservations import KnownReservation, Reservations
from slotsync.store.reservations.synced_events import SyncedEvent, SyncedEvents
from starter.services.intent import IntentCounts


class EventSyncStatus(Message):
    """The sync status of one event of a reservation.

    ``drift`` is what people did to it by hand, as an audit has found it, None if nothing is known of that.
    """

    item: str
    owner: str
    state: SyncState
    version: int | None
    since: datetime
    link: str = ""
    last_error: str | None = None
    drift: DriftKind | None = None


class SyncStatus(Message):
    """The sync status of a reservation: the newest reported version, the newest that Google has shown in full.

    ``settled`` is true if Google shows all of the newest version by the settings of now, and no operator has stopped
    the workflow; once the reservation is over, later settings count no more. ``stopped_since`` is when an operator
    stopped it, None if none did. What people did by hand to what Google has shown is said by ``doing`` and each event.
    ``remedy`` says in plain words what a person has to do, empty if nothing.
    """

    merchant: str
    reservation: str
    version: int
    settled_version: int | None
    settled: bool = False
    doing: str = ""
    stopped_since: datetime | None = None
    remedy: str = ""
    events: tuple[EventSyncStatus, ...] = ()


class ReservationLine(SyncStatus):
    """A reservation in a list: when its newest version was reported, its status, and when it begins and ends."""

    changed_at: datetime
    status: ReservationStatus
    starts_at: datetime | None
    ends_at: datetime | None


class OverviewLine(Message):
    """The number of a merchant's events in one state, and the time since which the oldest of them is in it."""

    merchant: str
    state: SyncState
    count: int
    oldest: datetime


class NeedyConnection(Message):
    """A merchant with a connection that needs somebody; ``remedy`` says who has to do what."""

    merchant: str
    since: datetime | None
    remedy: str


class HeldUpReservation(Message):
    """A reservation that is not in step, since when, why, and what has to be done; ``remedy`` is empty if nothing."""

    reservation: str
    doing: str
    since: datetime
    reason: str | None
    remedy: str


class Overview(Message):
    """The number of events by merchant and state, and what waits for a worker, for an operator or for somebody else.

    ``not_taken_up`` counts the reservations of which no worker has taken the newest version up within a minute.
    ``stopped`` names what operators have stopped, at most ``MAX_STOPPED``: the merchant, then the reservation, product
    or resource. ``held_up`` are at most ``MAX_HELD_UP`` reservations, of one merchant alone. ``connections`` are at
    most ``MAX_CONNECTIONS`` that need somebody, in the order of merchants.
    """

    lines: tuple[OverviewLine, ...]
    held_up: tuple[HeldUpReservation, ...] = ()
    not_taken_up: int = 0
    stopped: tuple[tuple[str, ...], ...] = ()
    connections: tuple[NeedyConnection, ...] = ()


MAX_CONNECTIONS: Final = 100
MAX_HELD_UP: Final = 100
MAX_STOPPED: Final = 100

TAKE_UP_TIME: Final = timedelta(minutes=1)
"""Much longer than a worker takes until it plans a report."""


class StatusService:
    """Reads the sync status from the store alone: its answers do not depend on Temporal or on workers."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._calendars = ManagedCalendars(store)
        self._drift = DriftRecords(store)
        self._merchants = Merchants(store, vault)
        self._owners = Owners(store)
        self._reservations = Reservations(store, vault)
        self._list = ReservationList(store)
        self._events = SyncedEvents(store)
        self._left = LeftEventStore(store)
        self._fingerprints = Fingerprints(store, vault)
        self._intents = IntentCounts(store, vault)
        self._connections = ConnectionViews(store, vault, wanted_scopes(push=False))

    async def get(self, merchant: str, reservation: str) -> SyncStatus | None:
        """Return the sync status of a reservation, or None if it is unknown."""
        return await asyncio.to_thread(self._read_store, merchant, reservation)

    async def list_reservations(
        self, merchant: str, chosen: ReservationFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[ReservationLine]:
        """Return the chosen reservations with their status, by when they were last reported.

        Those after a time and an id, if given. One that is reported anew meanwhile comes again, as the last.
        """
        return await asyncio.to_thread(self._read_list, merchant, chosen, limit, after)

    async def get_overview(self, merchant: str | None) -> Overview:
        """Return the event counts of one merchant, or of all merchants if ``merchant`` is None.

        Raises:
            UnknownSubject: the merchant is not known.
        """
        return await asyncio.to_thread(self._read_overview, merchant)

    async def get_settled_versions(self, merchant: str) -> dict[str, int]:
        """Return the newest version of each reservation that Google has shown in full, by reservation id."""
        return await asyncio.to_thread(self._reservations.get_settled_versions, merchant)

    def _read_overview(self, merchant: str | None) -> Overview:
        if merchant and merchant not in self._merchants.get_ids():
            raise UnknownSubject(f"merchant {merchant} is not known; was anything reported for it?")
        merchants = [merchant] if merchant else self._merchants.get_ids()
        stopped = self._intents.find_stopped(MAX_STOPPED, merchant)
        return Overview(
            held_up=tuple(self._find_held_up(merchant)) if merchant else (),
            not_taken_up=self._reservations.count_overdue(utc_now() - TAKE_UP_TIME, merchant),
            stopped=tuple(tuple(map(str, key)) for key in stopped),
            connections=tuple(self._find_needy(merchant)),
            lines=tuple(
                OverviewLine(merchant=each, state=state, count=count.count, oldest=count.oldest_since)
                for each in merchants
                for state, count in self._events.count_states(each).items()
            ),
        )

    def _read_list(
        self, merchant: str, chosen: ReservationFilter, limit: int, after: tuple[datetime, str] | None
    ) -> list[ReservationLine]:
        found = self._list.find(merchant, chosen, limit, after)
        statuses = [(each, self._read_store(merchant, each.id)) for each in found]
        return [
            ReservationLine(
                **dict(status),
                changed_at=each.changed_at,
                status=each.status,
                starts_at=each.starts_at,
                ends_at=each.ends_at,
            )
            for each, status in statuses
            if status  # else it was erased meanwhile
        ]

    def _find_held_up(self, merchant: str) -> Iterator[HeldUpReservation]:
        for each in self._read_list(merchant, ReservationFilter(attention=True), MAX_HELD_UP, None):
            waiting = [event for event in each.events if event.state in HELD_UP]
            yield HeldUpReservation(
                reservation=each.reservation,
                doing=each.doing,
                since=min((event.since for event in waiting), default=each.changed_at),
                reason=next((event.last_error for event in waiting if event.last_error), None),
                remedy=each.remedy,
            )

    def _find_needy(self, merchant: str | None) -> Iterator[NeedyConnection]:
        if merchant:
            found = [MerchantConnection(merchant, None, self._connections.get_view(merchant))]
        else:
            found = self._connections.list_merchants(MAX_CONNECTIONS, attention=True)
        for each in found:
            if each.remedy:
                yield NeedyConnection(merchant=each.merchant, since=each.view.since, remedy=each.remedy)

    def _read_store(self, merchant: str, reservation: str) -> SyncStatus | None:
        known = self._reservations.get(merchant, reservation)
        if known is None:
            return None
        events = self._events.get_events(merchant, reservation)
        settled = self._is_settled(merchant, reservation, known, events)
        reasons = self._get_reasons(merchant, events)
        drift = self._drift.find_kinds(merchant, reservation)
        parked = any(event.state is SyncState.PARKED for event in events)
        return SyncStatus(
            merchant=merchant,
            reservation=reservation,
            version=known.version,
            settled_version=known.settled_version,
            settled=settled,
            doing=f"Version {known.version} is {_progress(known, events, settled=settled)}{_by_hand(drift)}",
            stopped_since=known.stopped_at,
            remedy=_remedy(known, events, reasons, self._get_connections_remedy(merchant) if parked else ""),
            events=tuple(_event_status(each, reasons, drift.get(each.key)) for each in events),
        )

    def _get_connections_remedy(self, merchant: str) -> str:
        """Return who has to do what so that parked events go on, empty if they do by themselves."""
        view = self._connections.get_view(merchant)
        if view.state is ConnectionState.ACTIVE and view.stopped_since:
            return STOPPED_REMEDY
        remedy = MerchantConnection(merchant, None, view).remedy
        return remedy if remedy or view.state is ConnectionState.ACTIVE else _NOT_CONNECTED

    def _get_reasons(self, merchant: str, events: Sequence[SyncedEvent]) -> dict[EventKey, str]:
        """Return why events wait for their calendar, or why it has not the name or the time zone that it should."""
        states = (SyncState.WAITING, SyncState.IN_STEP)
        owners = list(dict.fromkeys(each.key.owner for each in events if each.state in states))
        reasons = self._owners.get_reasons(merchant, owners) if owners else {}
        unnamed = self._calendars.find_unnamed(merchant, [*reasons])
        return {
            each.key: reasons[each.key.owner]
            for each in events
            if each.key.owner in reasons
            and (each.state is SyncState.WAITING or (each.state is SyncState.IN_STEP and each.key.owner in unnamed))
        }

    def _is_settled(
        self, merchant: str, reservation: str, known: KnownReservation, events: Sequence[SyncedEvent]
    ) -> bool:
        if known.stopped_at or known.settled_version != known.version:
            return False
        desired = self._reservations.get_snapshot(merchant, reservation)
        if desired is None:
            return True
        applied = [each.written for each in events if each.written]
        owners = list(dict.fromkeys((*desired.owners, *(each.key.owner for each in applied))))
        left = self._left.get_keys(merchant, reservation)
        calendars = self._calendars.get_calendars(merchant, owners)
        steps = plan(desired, applied, calendars, self._fingerprints.get_hasher(merchant), left)
        over = is_over(desired, known.ends_at, utc_now())
        return not steps.debts and (over or not (steps.actions or steps.blocked))


def _by_hand(drift: Mapping[EventKey, DriftKind]) -> str:
    """Return the words for what people did by hand, empty if nothing is known of that."""
    kinds = sorted({each.value.replace("_", " ") for each in drift.values()})
    return f"; by hand in Google: {', '.join(kinds)}" if kinds else ""


def _event_status(event: SyncedEvent, reasons: Mapping[EventKey, str], drift: DriftKind | None) -> EventSyncStatus:
    return EventSyncStatus(
        item=event.key.item,
        owner=str(event.key.owner),
        state=event.state,
        version=event.written_version,
        since=event.since,
        link=event.link,
        last_error=event.last_error or reasons.get(event.key),
        drift=drift,
    )


def _progress(known: KnownReservation, events: Sequence[SyncedEvent], *, settled: bool) -> str:
    if known.stopped_at:
        return "stopped"
    if settled:
        return "in step"
    if known.planned_version != known.version:
        return f"not taken up by a worker yet, since {known.since:%Y-%m-%d %H:%M:%S} UTC"
    return "held up" if any(event.state in HELD_UP for event in events) else "on its way"


_REMEDIES: Final = {
    SyncState.UNKNOWN_PRODUCT: "Put the settings of the product or resource: PUT /v1/merchants/.../products/...",
    SyncState.PARKED: "",  # that of the connection
    SyncState.FAILED: "Google refuses it: see last_error. It is tried every hour, and after every change.",
    SyncState.TO_DELETE: (
        "An event waits to be deleted until its calendar is turned on, or its former Google account is connected again "
        "and may change the calendar. In a calendar that Google does not show, or not to the account, it is looked for "
        "each day. It can be deleted in Google Calendar by hand, too; if people delete the "
        "calendar, the reservation is settled once that account is connected."
    ),
}


_NOT_CONNECTED: Final = "The merchant has to connect Google, on the settings page."

_CALENDAR_REMEDIES: Final = {
    SyncState.WAITING: (
        "Google does not make the calendar: see last_error. Put another name or time zone if Google refuses these; "
        "else it is tried again by itself."
    ),
    SyncState.IN_STEP: (
        "Google does not give the calendar its new name or time zone: see last_error. Put others if Google refuses "
        "these; else it is tried again by itself. The events are as they should be, in the time zone that the calendar "
        "has."
    ),
}
"""The remedies for events with calendars that are not as they should be, by the states of the events."""


_READ_ONLY: Final = (
    "The Google account may only read the calendar: somebody who may manage it has to let the account make changes "
    "again, or delete it, so that another is made. It is tried every hour, and after every change."
)


def _remedy(
    known: KnownReservation, events: Sequence[SyncedEvent], reasons: Mapping[EventKey, str], connections: str
) -> str:
    """Return what a person has to do for the reservation, empty if nothing."""
    if known.stopped_at:
        return "An operator has stopped it: slotsync resume MERCHANT RESERVATION, or report a newer version."
    if known.problem:
        return f"Its workflow cannot go on: {known.problem}"
    if known.planned_version != known.version and utc_now() - known.since > TAKE_UP_TIME:
        return "No worker has taken it up: slotsync doctor says which parts are missing; then see the worker's log."
    if STOPPED.reason in reasons.values():
        return "An operator has stopped its calendar: slotsync resume MERCHANT."
    if any(event.state is SyncState.FAILED and event.last_error == NO_WRITE_ACCESS_REASON for event in events):
        return _READ_ONLY
    states = {event.state for event in events}
    refused = {event.state for event in events if reasons.get(event.key) not in {None, STAGED_REASON}}
    remedies = [_REMEDIES[state] or connections for state in _REMEDIES if state in states]
    remedies += [remedy for state, remedy in _CALENDAR_REMEDIES.items() if state in refused]
    return next(filter(None, remedies), "")
