"""The plan that brings Google to the desired state: at most one action per event."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from slotsync.domain.calendars.owner import GuestData, ManagedCalendar, Owner
from slotsync.domain.content_hashes import ContentHasher
from slotsync.domain.health import NO_CALENDAR, OUT_OF_REACH, UNKNOWN_OWNER, Blocker
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import DesiredEvent, EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.messages import BlockedEvent
from slotsync.domain.reservations.snapshot import Item, Reservation
from slotsync.domain.reservations.stored_snapshot import ReducedReservation


class Put(Message):
    """The action to write this event to Google; ``known`` is the event that was last seen in its place.

    ``left`` is the one that stands in a calendar of another account.
    """

    event: DesiredEvent
    known: WrittenEvent | None = None
    left: WrittenEvent | None = None

    @property
    def key(self) -> EventKey:
        """The key of the event within its reservation."""
        return self.event.key

    @property
    def calls(self) -> int:
        """The number of calls to Google that it takes, as far as is known."""
        if self.known is None:
            return 1
        if not self.known.present:
            return 1 + _searches(self.known)  # others of its events are looked for first
        return _calls(self.known, more=self.known.touched or self.known.has_duplicates)


class Delete(Message):
    """The action to delete this event from Google, through the connection that its calendar has now.

    ``owner_unknown``: the reservation wants it still, but its product or resource was deleted with its events.
    ``guest_data`` is the level of the owner now.
    """

    merchant: str
    reservation: str
    version: int
    connection_id: str
    written: WrittenEvent
    guest_data: GuestData
    owner_unknown: bool = False

    @property
    def last_level(self) -> GuestData | None:
        """The level that counts from now on: for it, nobody has to look whether people have restored the event."""
        before = self.written.guest_data
        return self.guest_data if before and self.guest_data.shows_less_than(before) else before

    @property
    def key(self) -> EventKey:
        """The key of the event within its reservation."""
        return self.written.key

    @property
    def calls(self) -> int:
        """The number of calls to Google that it takes, as far as is known."""
        return _calls(self.written, more=self.written.has_duplicates)


MAX_CALLS: Final = 4
"""The calls of a write that Google refuses: two rounds of a write and a read."""


def _calls(known: WrittenEvent, *, more: bool) -> int:
    """Return one call for what is as it was written, and as many as there can be after a write that failed."""
    if not known.fingerprint:
        return MAX_CALLS
    return 1 + _searches(known) if more else 1


def _searches(known: WrittenEvent) -> int:
    """Return the calls of a search in one calendar."""
    return 2 if known.first_format else 1


class LookForRestored(Message):
    """The action to look whether people have restored deleted events of an owner, and to delete those again.

    ``wanted`` are the events of the reservation that have to stay. ``guest_data`` is the level of the owner now.
    """

    version: int
    wanted: frozenset[EventKey]
    connection_id: str
    deleted: WrittenEvent
    guest_data: GuestData
    calls: int = 1

    @property
    def everywhere(self) -> bool:
        """True with a new version. For a lower level, that of many reservations, only the owner's calendar counts."""
        return self.deleted.version < self.version

    @property
    def key(self) -> EventKey:
        """The key of the first of the deleted events."""
        return self.deleted.key


Action = Put | Delete | LookForRestored


class LeftKeys(NamedTuple):
    """The events of a reservation of which one stands, or may stand, in a calendar out of reach.

    ``owed`` ones have to go unless they are wanted; ``doubled`` ones too: an older one is in another of the merchant's
    calendars. ``missing`` ones are in a calendar that Google does not find: they were deleted with it, as far as
    anybody can say, unless nobody looks for it, since it is off.
    """

    owed: frozenset[EventKey] = frozenset()
    doubled: frozenset[EventKey] = frozenset()
    missing: frozenset[EventKey] = frozenset()

    def has_debt(self, key: EventKey, calendar: ManagedCalendar, *, wanted: bool) -> bool:
        """Return whether an event has to go from a calendar out of reach, by the calendar that it should be in."""
        if wanted and not calendar.removing:
            return key in self.doubled
        is_off = not (calendar.settings.sync or calendar.removing)
        return key in self.owed or (is_off and key in self.missing)


NOTHING_LEFT: Final = LeftKeys()


class Plan(Message):
    """The actions to take now, and the events that cannot be brought in step now; all in the order of their keys.

    ``debts`` are events that have to go, but are out of reach: their calendar is off, of another account, or lost.
    """

    actions: tuple[Action, ...] = ()
    blocked: tuple[BlockedEvent, ...] = ()
    debts: tuple[EventKey, ...] = ()


def plan(
    desired: Reservation,
    applied: Iterable[WrittenEvent],
    calendars: Iterable[ManagedCalendar],
    hasher: ContentHasher,
    left: LeftKeys = NOTHING_LEFT,
) -> Plan:
    """Return the actions from ``applied`` to ``desired``: at most one per event, none for an event that is right.

    A calendar with synchronization off is left as it is, unless the merchant wants our events removed; what no item
    wants any more goes once it is back. ``calendars`` has the calendar of every owner of both. ``hasher`` makes the
    merchant's fingerprints. ``left`` are the events that stand in calendars out of reach.
    """
    by_owner = {calendar.owner: calendar for calendar in calendars}
    items = items_by_key(desired)
    known = {written.key: written for written in applied}
    keys = sorted({*items, *known}, key=EventKey.sort_key)
    steps = [
        (key, _plan_item(desired, key, items.get(key), by_owner[key.owner], known.get(key), hasher)) for key in keys
    ]

    def is_left(key: EventKey) -> bool:
        return left.has_debt(key, by_owner[key.owner], wanted=key in items)

    return Plan(
        actions=tuple(_filter_actions(step for _, step in steps)),
        blocked=tuple(
            BlockedEvent(key=key, blocker=blocker) for key, step in steps if (blocker := _find_blocker(step))
        ),
        debts=tuple(key for key, step in steps if _is_debt(step, left=is_left(key))),
    )


def _find_blocker(step: Action | Blocker | None) -> Blocker | None:
    """Return what keeps an event from being as its reservation wants it, None if nothing does, or it has to go."""
    if isinstance(step, Delete) and step.owner_unknown:
        return UNKNOWN_OWNER
    return step if isinstance(step, Blocker) and step != OUT_OF_REACH else None


def _is_debt(step: Action | Blocker | None, *, left: bool) -> bool:
    return step == OUT_OF_REACH or (left and not isinstance(step, Blocker))


def _filter_actions(steps: Iterable[Action | Blocker | None]) -> Iterator[Action]:
    """Yield the actions, with the first look for each owner: it is for all of its events."""
    owners = set[Owner]()
    for step in steps:
        if isinstance(step, Put | Delete):
            yield step
        elif isinstance(step, LookForRestored) and step.key.owner not in owners:
            owners.add(step.key.owner)
            yield step


def plan_event(
    desired: Reservation, key: EventKey, calendar: ManagedCalendar, known: WrittenEvent | None, hasher: ContentHasher
) -> Action | Blocker | None:
    """Return what to do with one event: an action, the reason why none is possible now, or None if there is none."""
    step = _plan_item(desired, key, _find_item(desired, key), calendar, known, hasher)
    return None if step == OUT_OF_REACH else step


def _find_item(desired: Reservation, key: EventKey) -> Item | None:
    item = None if desired.cancelled else desired.numbered_items.get(key.item)
    return item if item and key.owner in item.owners else None


def items_by_key(desired: Reservation) -> dict[EventKey, Item]:
    """Return the item of each event that a reservation has if all its products and resources are synchronized."""
    if desired.cancelled:
        return {}
    return {
        EventKey(item=item_id, owner=owner): item
        for item_id, item in desired.numbered_items.items()
        for owner in item.owners
    }


def waiting_state(calendar: ManagedCalendar) -> SyncState | None:
    """Return the state of a wanted event that is not to be written to the calendar now, or None if it is."""
    if not calendar.known:
        return SyncState.UNKNOWN_PRODUCT
    if not calendar.settings.sync:
        return SyncState.NOT_SYNCED
    if not calendar.connection_id:
        return SyncState.PARKED
    return None if calendar.calendar_id else SyncState.WAITING


def _plan_item(  # noqa: PLR0913, PLR0917  an event as it is wanted, and as it is known
    desired: Reservation,
    key: EventKey,
    item: Item | None,
    calendar: ManagedCalendar,
    known: WrittenEvent | None,
    hasher: ContentHasher,
) -> Action | Blocker | None:
    if item and not calendar.known:
        removal = _plan_delete(desired, calendar, known, wanted=True) if calendar.removing else None
        return removal or UNKNOWN_OWNER
    if item and calendar.settings.sync:
        return _plan_put(desired, key, item, calendar, known, hasher)
    return _plan_delete(desired, calendar, known, wanted=item is not None)


def _plan_put(  # noqa: PLR0913, PLR0917  an event as it is wanted, and as it is known
    desired: Reservation,
    key: EventKey,
    item: Item,
    calendar: ManagedCalendar,
    known: WrittenEvent | None,
    hasher: ContentHasher,
) -> Put | Blocker | None:
    if not calendar.connection_id:
        return calendar.connection_blocker
    if not calendar.calendar_id:
        return NO_CALENDAR
    content = describe(desired, item, calendar.event_settings)
    # In a calendar of another account an event stays; it is found again when that account is back.
    same = known if known and known.calendar_id == calendar.calendar_id else None
    if (
        same
        and same.present
        and (
            hasher.matches(same.fingerprint, content.plain_fingerprint)
            or _stays(desired, same, calendar.settings.guest_data)
        )
    ):
        return None
    event = DesiredEvent(
        merchant=desired.merchant,
        reservation=desired.id,
        key=key,
        version=desired.version,
        calendar_id=calendar.calendar_id,
        connection_id=calendar.connection_id,
        content=content,
        fingerprint=hasher.hash(content.plain_fingerprint),
        guest_data=calendar.settings.guest_data,
        first_format=known is None or known.first_format or not known.etag,  # or nothing is known: a database was lost
    )
    elsewhere = known if known and known.present and not same else None
    return Put(event=event, known=same, left=elsewhere)


def _stays(desired: Reservation, written: WrittenEvent, level: GuestData) -> bool:
    """Return whether an event stays as it is, since what it shows is stored no more, unless it is to show less."""
    return isinstance(desired, ReducedReservation) and not level.shows_less_than(written.guest_data)


def _plan_delete(
    desired: Reservation, calendar: ManagedCalendar, known: WrittenEvent | None, *, wanted: bool
) -> Delete | LookForRestored | Blocker | None:
    if known is None:
        return None
    if not known.present:
        return None if wanted else _plan_look(desired, calendar, known)
    may_delete = calendar.settings.sync or calendar.removing
    if not (may_delete and calendar.calendar_id == known.calendar_id):
        return None if wanted and not calendar.removing else OUT_OF_REACH
    if not calendar.connection_id:
        return calendar.connection_blocker
    return Delete(
        merchant=desired.merchant,
        reservation=desired.id,
        version=desired.version,
        connection_id=calendar.connection_id,
        written=known,
        guest_data=calendar.settings.guest_data,
        owner_unknown=wanted and not calendar.known,
    )


def _plan_look(desired: Reservation, calendar: ManagedCalendar, known: WrittenEvent) -> LookForRestored | None:
    """Return the action to look for restored events.

    Once with each version that comes after their deletion, and once they show more of a guest than they may. Also if
    their calendar is gone by now: people may have dragged them to another one before.
    """
    shows_more = known.guest_data is not None and calendar.settings.guest_data.shows_less_than(known.guest_data)
    is_due = known.version < desired.version or shows_more
    if not (calendar.settings.sync and calendar.connection_id and is_due):
        return None
    return LookForRestored(
        version=desired.version,
        wanted=frozenset(items_by_key(desired)),
        connection_id=calendar.connection_id,
        deleted=known,
        guest_data=calendar.settings.guest_data,
    )
