"""The plan that brings Google to the desired state: at most one action per event."""

from collections.abc import Iterable, Iterator

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.health import NO_CALENDAR, NO_CONNECTION, Blocker
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.messages import Action, Delete, Put
from slotsync.domain.reservations.snapshot import Item, Reservation


class Plan(Message):
    """The actions to take now, and the owners that lack a calendar or a connection for the rest."""

    actions: tuple[Action, ...] = ()
    without_calendar: tuple[Owner, ...] = ()
    without_connection: tuple[Owner, ...] = ()


def plan(desired: Reservation, applied: Iterable[WrittenEvent], calendars: Iterable[ManagedCalendar]) -> Plan:
    """Return the actions from ``applied`` to ``desired``: at most one per event, none for an event that is right.

    A calendar with synchronization off is left as it is, unless the merchant wants our events removed.
    """
    by_owner = {calendar.owner: calendar for calendar in calendars}
    synced = {owner: calendar for owner, calendar in by_owner.items() if calendar.settings.sync}
    wanted = {key: item for key, item in items_by_key(desired).items() if key.owner in synced}
    applied_by_key = {written.key: written for written in applied}
    needed = [synced[owner] for owner in dict.fromkeys(key.owner for key in wanted)]
    return Plan(
        actions=(
            *_puts(desired, wanted, by_owner, applied_by_key),
            *_deletes(desired, wanted, by_owner, applied_by_key.values()),
        ),
        without_calendar=tuple(each.owner for each in needed if each.connection_id and not each.calendar_id),
        without_connection=tuple(each.owner for each in needed if not each.connection_id),
    )


def items_by_key(desired: Reservation) -> dict[EventKey, Item]:
    """Return the item of each event that a reservation has if all its products and resources are synchronized."""
    if desired.cancelled:
        return {}
    return {
        EventKey(item=item_id, owner=owner): item
        for item_id, item in desired.numbered_items.items()
        for owner in item.owners
    }


def _puts(
    desired: Reservation,
    wanted: dict[EventKey, Item],
    by_owner: dict[Owner, ManagedCalendar],
    applied_by_key: dict[EventKey, WrittenEvent],
) -> Iterator[Put]:
    for key, item in wanted.items():
        event = _event(desired, key, item, by_owner[key.owner])
        if event is None:
            continue
        known = _in_same_calendar(applied_by_key.get(key), event)
        if not (known and known.present and known.fingerprint == event.content.fingerprint):
            yield Put(event=event, known=known)


def _event(desired: Reservation, key: EventKey, item: Item, calendar: ManagedCalendar) -> DesiredEvent | None:
    if not (calendar.calendar_id and calendar.connection_id):
        return None
    return DesiredEvent(
        merchant=desired.merchant,
        reservation=desired.id,
        key=key,
        version=desired.version,
        calendar_id=calendar.calendar_id,
        connection_id=calendar.connection_id,
        content=describe(desired, item, calendar.settings),
    )


def _in_same_calendar(known: WrittenEvent | None, event: DesiredEvent) -> WrittenEvent | None:
    """Return the known event, or None if its calendar has been replaced: the event was deleted with it."""
    return known if known and known.calendar_id == event.calendar_id else None


def _deletes(
    desired: Reservation,
    wanted: dict[EventKey, Item],
    by_owner: dict[Owner, ManagedCalendar],
    applied: Iterable[WrittenEvent],
) -> Iterator[Delete]:
    for written in applied:
        calendar = by_owner.get(written.key.owner)
        if calendar is None or not _may_delete_in(calendar) or written.key in wanted or not written.present:
            continue
        if calendar.calendar_id == written.calendar_id:
            yield Delete(merchant=desired.merchant, reservation=desired.id, version=desired.version, written=written)


def _may_delete_in(calendar: ManagedCalendar) -> bool:
    return calendar.settings.sync or calendar.removing


def blockers_for(without_calendar: Iterable[Owner], without_connection: Iterable[Owner]) -> tuple[Blocker, ...]:
    """Return the blockers of a reservation for its owners without a calendar or a connection."""
    return (*(NO_CALENDAR for _ in without_calendar), *(NO_CONNECTION for _ in without_connection))
