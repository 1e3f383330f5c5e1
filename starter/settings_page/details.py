"""The details of one product or resource on the settings page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import GuestData, ManagedCalendar, Owner, OwnerKind, OwnerSettings
from slotsync.domain.reservations.event import EventContent, SyncState
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.snapshot import Guest, Item, Reservation
from slotsync.errors import GoogleError
from slotsync.google.previews import Disclosure, PreviewEvent
from starter.settings_page.language import Language
from starter.settings_page.visit import Visit
from starter.settings_page.week import Day, build_week, week_bounds

_SYNCED = frozenset({SyncState.IN_STEP})
_PENDING = frozenset(
    {SyncState.PENDING, SyncState.WAITING, SyncState.RETRYING, SyncState.NOT_SYNCED, SyncState.TO_DELETE}
)
"""Just after synchronization was turned on, all events are still recorded as not synchronized."""
_BLOCKED = frozenset({SyncState.PARKED, SyncState.FAILED})
_UNDER_WAY = frozenset({SyncState.PENDING, SyncState.WAITING, SyncState.RETRYING})
"""The states of events that are being written; those of calendars that are off are in none of them."""


@dataclass(frozen=True)
class PrivacyCheck:
    """The result of a privacy check: how much Google disclosed of a calendar, and when."""

    calendar_id: str
    disclosure: Disclosure
    checked_at: datetime


@dataclass(frozen=True)
class SyncProgress:
    """The number of events of open reservations that are in Google, wait to be written, or are blocked."""

    synced: int
    pending: int
    blocked: int

    @property
    def total(self) -> int:
        """The number of events that should be in Google."""
        return self.synced + self.pending + self.blocked


@dataclass(frozen=True)
class Preview:
    """An example event at one level of guest data."""

    level: GuestData
    event: EventContent


@dataclass(frozen=True)
class OwnerProgress:
    """One product or resource, and how many of its entries are in Google."""

    owner: Owner
    settings: OwnerSettings
    calendar: ManagedCalendar
    progress: SyncProgress


@dataclass(frozen=True)
class Details(OwnerProgress):
    """One product or resource with all that the page shows of it.

    ``pickable`` is None while the list of calendars cannot be fetched.
    ``unlisted`` are picked calendars that are no longer in the merchant's list. ``overridden`` are the merchant's own
    choices that the platform has changed.
    ``unread`` holds the names of picked calendars that could not be read, ``events_read`` is whether the managed
    calendar could.
    """

    previews: tuple[Preview, ...]
    picked: tuple[PickableCalendar, ...]
    pickable: tuple[PickableCalendar, ...] | None
    unlisted: tuple[PickableCalendar, ...]
    monday: date
    days: tuple[Day, ...]
    events_read: bool
    overridden: frozenset[str]
    unread: tuple[str, ...]
    privacy: PrivacyCheck | None = None

    @property
    def can_be_blocked(self) -> bool:
        """Return whether calendars can block it. Only products are booked; their resources come with them."""
        return self.owner.kind is OwnerKind.PRODUCT

    @property
    def last_known_hours(self) -> int:
        """The number of hours for which the last known state is used, if that is chosen; else 4."""
        return int(self.settings.on_unknown.partition(":")[2] or 4)


async def load_details(visit: Visit, owner: Owner, privacy: PrivacyCheck | None = None) -> Details | None:
    """Return the details, with calendars and events read from Google now, or None if the merchant has no such owner."""
    choices = await asyncio.to_thread(visit.services.owners.get_choices, visit.merchant, owner)
    if choices is None:
        return None
    settings = choices.settings
    (calendar,) = await asyncio.to_thread(visit.services.managed_calendars.get_calendars, visit.merchant, [owner])
    # First, since it takes over new names.
    pickable = await _fetch_pickable(visit, owner)
    unlisted = await visit.services.blocking_calendars.list_unlisted(visit.merchant, owner, pickable or ())
    picked = await visit.services.blocking_calendars.list_picked(visit.merchant, owner)
    zone = ZoneInfo(settings.time_zone)
    monday = visit.address.find_monday(utc_now().astimezone(zone).date())
    progress, events, busy_times = await asyncio.gather(
        _count_events(visit, calendar),
        _fetch_events(visit, calendar, *week_bounds(monday, zone)),
        _fetch_busy_times(visit, picked, *week_bounds(monday, zone)),
    )
    known = [time for times in busy_times.values() for time in times or ()]
    return Details(
        owner=owner,
        settings=settings,
        calendar=calendar,
        progress=progress,
        previews=_build_previews(settings, visit.language),
        picked=tuple(picked),
        pickable=pickable,
        unlisted=tuple(unlisted),
        monday=monday,
        days=tuple(build_week(monday, zone, events or (), known)),
        events_read=events is not None,
        overridden=choices.overridden,
        unread=tuple(each.name for each in picked if busy_times.get(each.id) is None),
        privacy=privacy,
    )


async def load_progress(visit: Visit, owner: Owner) -> OwnerProgress | None:
    """Return the progress from the database alone, or None if the merchant has no such owner."""
    settings = await asyncio.to_thread(visit.services.owners.get, visit.merchant, owner)
    if settings is None:
        return None
    (calendar,) = await asyncio.to_thread(visit.services.managed_calendars.get_calendars, visit.merchant, [owner])
    return OwnerProgress(owner, settings, calendar, await _count_events(visit, calendar))


async def load_work(visit: Visit) -> SyncProgress:
    """Return how many entries of the merchant are in Google, from the database alone.

    What waits for a grant counts as pending while it is being resumed, and as blocked else.
    """
    numbers = await asyncio.to_thread(visit.services.synced_events.count_open_states, visit.merchant, None, utc_now())
    resuming = await asyncio.to_thread(visit.services.connections.is_resuming, visit.merchant)
    parked = numbers.get(SyncState.PARKED, 0)
    pending = sum(numbers.get(state, 0) for state in _UNDER_WAY)
    failed = numbers.get(SyncState.FAILED, 0)
    synced = numbers.get(SyncState.IN_STEP, 0)
    if resuming:
        return SyncProgress(synced=synced, pending=pending + parked, blocked=failed)
    return SyncProgress(synced=synced, pending=pending, blocked=failed + parked)


async def _fetch_pickable(visit: Visit, owner: Owner) -> tuple[PickableCalendar, ...] | None:
    if owner.kind is not OwnerKind.PRODUCT:
        return ()
    try:
        return tuple(await visit.services.blocking_calendars.list_pickable(visit.merchant, recent=True))
    except GoogleError:
        return None


async def _count_events(visit: Visit, calendar: ManagedCalendar) -> SyncProgress:
    if not calendar.settings.sync:
        return SyncProgress(0, 0, 0)
    numbers = await asyncio.to_thread(
        visit.services.synced_events.count_open_states, visit.merchant, calendar.owner, utc_now()
    )

    def count(states: frozenset[SyncState]) -> int:
        return sum(number for state, number in numbers.items() if state in states)

    return SyncProgress(synced=count(_SYNCED), pending=count(_PENDING), blocked=count(_BLOCKED))


async def _fetch_events(
    visit: Visit, calendar: ManagedCalendar, start: datetime, end: datetime
) -> list[PreviewEvent] | None:
    calendar_id = calendar.calendar_id
    if calendar_id is None:
        return []
    try:
        return await visit.services.google.look(
            visit.merchant,
            ("events", calendar_id, start, end),
            lambda mine: visit.services.previews.list_events(mine, calendar_id, start, end),
        )
    except GoogleError:
        return None


async def _fetch_busy_times(
    visit: Visit, picked: Sequence[PickableCalendar], start: datetime, end: datetime
) -> dict[str, tuple[Interval, ...] | None]:
    ids = [each.id for each in picked]
    if not ids:
        return {}
    try:
        return await visit.services.google.look(
            visit.merchant,
            ("busy times", tuple(ids), start, end),
            lambda mine: visit.services.previews.read_busy_times(mine, ids, start, end),
        )
    except GoogleError:
        return {}


def _build_previews(settings: OwnerSettings, language: Language) -> tuple[Preview, ...]:
    _ = language.translate
    tomorrow = utc_now().replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
    item = Item(product="example", start=tomorrow, end=tomorrow + timedelta(hours=2))
    reservation = Reservation(
        merchant="example",
        id="R-1042",
        version=1,
        items=(item,),
        title=_("%(name)s, 2 persons") % {"name": settings.name},
        guest=Guest(name=_("Mary Guest"), email="mary@example.com", phone="+358 40 123 4567"),
        notes=_("Vegetarian lunch"),
    )
    levels = [settings.model_copy(update={"guest_data": level}) for level in GuestData]
    return tuple(Preview(each.guest_data, describe(reservation, item, each)) for each in levels)
