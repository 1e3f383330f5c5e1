"""What the settings page shows of a product or resource."""

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
from slotsync.google.previews import GivenAway, ShownEvent
from starter.settings_page.language import Language
from starter.settings_page.visit import Visit
from starter.settings_page.week import Day, bounds, week_of

_SHOWN = frozenset({SyncState.IN_STEP})
_COMING = frozenset({SyncState.PENDING, SyncState.WAITING, SyncState.RETRYING, SyncState.NOT_SYNCED})
"""Just after synchronization was turned on, all are still noted as not synchronized."""
_STUCK = frozenset({SyncState.PARKED, SyncState.FAILED})


@dataclass(frozen=True)
class PrivacyResult:
    """What Google gave away of a calendar, and when it was asked."""

    calendar_id: str
    given: GivenAway
    at: datetime


@dataclass(frozen=True)
class Filling:
    """How many events of open reservations are in Google, on their way, or held up."""

    shown: int
    coming: int
    stuck: int

    @property
    def total(self) -> int:
        """All that should be there."""
        return self.shown + self.coming + self.stuck


@dataclass(frozen=True)
class Preview:
    """How an event reads at a level of guest data."""

    level: GuestData
    event: EventContent


@dataclass(frozen=True)
class Details:
    """One product or resource. ``pickable`` is nothing while the list cannot be fetched.

    ``unread`` are the names of picked calendars that could not be read; ``events_read`` tells whether ours could.
    """

    owner: Owner
    settings: OwnerSettings
    calendar: ManagedCalendar
    filling: Filling
    previews: tuple[Preview, ...]
    picked: tuple[PickableCalendar, ...]
    pickable: tuple[PickableCalendar, ...] | None
    monday: date
    days: tuple[Day, ...]
    events_read: bool
    unread: tuple[str, ...]
    privacy: PrivacyResult | None = None

    @property
    def blockable(self) -> bool:
        """Whether calendars can block it: products are booked, resources come with them."""
        return self.owner.kind is OwnerKind.PRODUCT

    @property
    def hours(self) -> int:
        """For how many hours the last known state is used, if that is chosen."""
        return int(self.settings.on_unknown.partition(":")[2] or 4)


async def details_of(visit: Visit, owner: Owner, privacy: PrivacyResult | None = None) -> Details | None:
    """What the page shows of it, with everything of Google's fetched now; nothing when the merchant has none such."""
    settings = await asyncio.to_thread(visit.services.owners.get, visit.merchant, owner)
    if settings is None:
        return None
    (calendar,) = await asyncio.to_thread(visit.services.calendars.of, visit.merchant, [owner])
    picked = await visit.services.picking.picked(visit.merchant, owner)
    zone = ZoneInfo(settings.time_zone)
    monday = visit.address.monday(utc_now().astimezone(zone).date())
    pickable, filling, events, busy = await asyncio.gather(
        _pickable(visit, owner),
        _filling(visit, calendar),
        _events(visit, calendar, *bounds(monday, zone)),
        _busy(visit, picked, *bounds(monday, zone)),
    )
    known = [time for times in busy.values() for time in times or ()]
    return Details(
        owner=owner,
        settings=settings,
        calendar=calendar,
        filling=filling,
        previews=_previews(settings, visit.language),
        picked=tuple(picked),
        pickable=pickable,
        monday=monday,
        days=tuple(week_of(monday, zone, events or (), known)),
        events_read=events is not None,
        unread=tuple(each.name for each in picked if busy.get(each.id) is None),
        privacy=privacy,
    )


async def _pickable(visit: Visit, owner: Owner) -> tuple[PickableCalendar, ...] | None:
    if owner.kind is not OwnerKind.PRODUCT:
        return ()
    try:
        return tuple(await visit.services.picking.pickable(visit.merchant))
    except GoogleError:
        return None


async def _filling(visit: Visit, calendar: ManagedCalendar) -> Filling:
    if not calendar.settings.sync:
        return Filling(0, 0, 0)
    told = await asyncio.to_thread(visit.services.events.open_states, visit.merchant, calendar.owner, utc_now())

    def count(states: frozenset[SyncState]) -> int:
        return sum(number for state, number in told.items() if state in states)

    return Filling(shown=count(_SHOWN), coming=count(_COMING), stuck=count(_STUCK))


async def _events(visit: Visit, calendar: ManagedCalendar, start: datetime, end: datetime) -> list[ShownEvent] | None:
    calendar_id = calendar.calendar_id
    if calendar_id is None:
        return []
    try:
        return await visit.services.google.ask(
            visit.merchant, lambda mine: visit.services.looks.events(mine, calendar_id, start, end)
        )
    except GoogleError:
        return None


async def _busy(
    visit: Visit, picked: Sequence[PickableCalendar], start: datetime, end: datetime
) -> dict[str, tuple[Interval, ...] | None]:
    ids = [each.id for each in picked]
    if not ids:
        return {}
    try:
        return await visit.services.google.ask(
            visit.merchant, lambda mine: visit.services.looks.busy(mine, ids, start, end)
        )
    except GoogleError:
        return {}


def _previews(settings: OwnerSettings, language: Language) -> tuple[Preview, ...]:
    say = language.say
    tomorrow = utc_now().replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=1)
    item = Item(product="example", start=tomorrow, end=tomorrow + timedelta(hours=2))
    example = Reservation(
        merchant="example",
        id="R-1042",
        version=1,
        items=(item,),
        title=say("%(name)s, 2 persons") % {"name": settings.name},
        guest=Guest(name=say("Mary Guest"), email="mary@example.com", phone="+358 40 123 4567"),
        notes=say("Vegetarian lunch"),
    )
    levels = [settings.model_copy(update={"guest_data": level}) for level in GuestData]
    return tuple(Preview(each.guest_data, describe(example, item, each)) for each in levels)
