"""Compare the desired state with what is in Google: at most one action per event."""

from collections.abc import Iterable, Iterator

from slotsync.domain.calendars.owner import ManagedCalendar, Owner
from slotsync.domain.health import NO_CALENDAR, NO_CONNECTION, Blocker
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.messages import Action, Delete, Put
from slotsync.domain.reservations.snapshot import Item, Reservation


class Plan(Message):
    """The actions to take now, and what has to happen elsewhere before the rest can be done."""

    actions: tuple[Action, ...] = ()
    without_calendar: tuple[Owner, ...] = ()
    without_connection: tuple[Owner, ...] = ()


def plan(desired: Reservation, applied: Iterable[WrittenEvent], calendars: Iterable[ManagedCalendar]) -> Plan:
    """The way from ``applied`` to ``desired``: at most one action per event, none for an event that is right.

    A calendar whose synchronization is off is left as it is, unless the merchant wants our events taken away.
    """
    by_owner = {calendar.owner: calendar for calendar in calendars}
    synced = {owner: calendar for owner, calendar in by_owner.items() if calendar.settings.sync}
    wanted = {key: item for key, item in keys_of(desired).items() if key.owner in synced}
    standing = {written.key: written for written in applied}
    needed = [synced[owner] for owner in dict.fromkeys(key.owner for key in wanted)]
    return Plan(
        actions=(*_puts(desired, wanted, by_owner, standing), *_deletes(desired, wanted, by_owner, standing.values())),
        without_calendar=tuple(each.owner for each in needed if each.connection_id and not each.calendar_id),
        without_connection=tuple(each.owner for each in needed if not each.connection_id),
    )


def keys_of(desired: Reservation) -> dict[EventKey, Item]:
    """The events that a reservation has, if all its products and resources are synchronized."""
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
    standing: dict[EventKey, WrittenEvent],
) -> Iterator[Put]:
    for key, item in wanted.items():
        event = _event(desired, key, item, by_owner[key.owner])
        if event is None:
            continue
        known = _still_there(standing.get(key), event)
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


def _still_there(known: WrittenEvent | None, event: DesiredEvent) -> WrittenEvent | None:
    """Forgets what was known of a calendar that has been replaced: its events went with it."""
    return known if known and known.calendar_id == event.calendar_id else None


def _deletes(
    desired: Reservation,
    wanted: dict[EventKey, Item],
    by_owner: dict[Owner, ManagedCalendar],
    standing: Iterable[WrittenEvent],
) -> Iterator[Delete]:
    for written in standing:
        calendar = by_owner.get(written.key.owner)
        if calendar is None or not _touchable(calendar) or written.key in wanted or not written.present:
            continue
        if calendar.calendar_id == written.calendar_id:
            yield Delete(merchant=desired.merchant, reservation=desired.id, version=desired.version, written=written)


def _touchable(calendar: ManagedCalendar) -> bool:
    return calendar.settings.sync or calendar.removing


def blockers_for(without_calendar: Iterable[Owner], without_connection: Iterable[Owner]) -> tuple[Blocker, ...]:
    """What owners without a calendar or a connection mean for a reservation."""
    return (*(NO_CALENDAR for _ in without_calendar), *(NO_CONNECTION for _ in without_connection))
