"""Left events: what stands in calendars that are out of reach, until they are back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    update,
)
from sqlalchemy import select as select_columns
from sqlmodel import select

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.plan import LeftKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import FormerCalendarRow, ManagedCalendarRow
from slotsync.store.tables.connections import ConnectionRow
from slotsync.store.tables.reservations import LeftEventRow, ReservationRow, SyncedEventRow

MISSING_CALENDAR_KEPT: Final = timedelta(days=60)
"""The time for which a calendar that Google does not find is looked for: most of them were deleted."""


class LeftCount(NamedTuple):
    """The number of an owner's events in calendars of a former account, or in ``missing`` ones."""

    owner: Owner
    missing: bool
    events: int


EventsByKey = dict[tuple[str, EventKey], WrittenEvent]
"""Events by reservation and key, as they were last seen."""

_TABLE = table_of(LeftEventRow)
_EVENTS = table_of(SyncedEventRow)
_EVENT_KEY = ("merchant", "reservation", "item", "kind", "owner_id")
_IS_DEBT = and_(_EVENTS.c.state == SyncState.TO_DELETE.value, _EVENTS.c.present.is_(False))
_RESERVATIONS = table_of(ReservationRow)
_FORMER = table_of(FormerCalendarRow)
_CONNECTIONS = table_of(ConnectionRow)
_MANAGED = table_of(ManagedCalendarRow)
_OF_SAME = and_(_RESERVATIONS.c.merchant == _TABLE.c.merchant, _RESERVATIONS.c.id == _TABLE.c.reservation)
_IS_ORPHAN = ~exists().where(_OF_SAME)
_IN_SAME = and_(_FORMER.c.merchant == _TABLE.c.merchant, _FORMER.c.calendar_id == _TABLE.c.calendar_id)
_OF_CONNECTED = and_(_CONNECTIONS.c.merchant == _TABLE.c.merchant, _CONNECTIONS.c.account_key == _FORMER.c.account_key)
_IN_MANAGED = and_(_MANAGED.c.merchant == _TABLE.c.merchant, _MANAGED.c.calendar_id == _TABLE.c.calendar_id)
_OF_OTHER = or_(_MANAGED.c.kind != _TABLE.c.kind, _MANAGED.c.owner_id != _TABLE.c.owner_id)
_IS_DOUBLED = and_(_TABLE.c.owed, exists().where(_IN_MANAGED, _OF_OTHER))
"""The condition for events that may stand in the calendar of another owner, where they never belong."""

# Built once, since each plan of a reservation reads it.
_SELECT_KEYS = select(LeftEventRow, _IS_DOUBLED).where(
    _TABLE.c.merchant == bindparam("merchant"), _TABLE.c.reservation == bindparam("reservation")
)

_IS_OWED_HERE = (_TABLE.c.missing.is_(False), exists().where(_IN_SAME, _OF_CONNECTED))
"""The conditions for events that were left in a calendar of the account that is connected now."""


def _on_leave(insert: Insert) -> Insert:
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{name: new[name] for name in ("generation", "version", "duplicates_in", "missing", "since")},
            "owed": or_(_TABLE.c.owed, new.owed),
        },
    )


_LEAVE = Upsert(_TABLE, _on_leave)


class LeftEventStore:
    """Stores the events that were left behind: in a former account, or in a calendar that Google does not find."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def leave(  # noqa: PLR0913  the event, and how it is left
        self,
        merchant: str,
        reservation: str,
        written: WrittenEvent,
        now: datetime,
        *,
        missing: bool,
        owed: bool = False,
    ) -> None:
        """Record that this event stands in a calendar out of reach, ``missing`` if Google does not find that."""
        with self._store.write() as connection:
            leave(connection, merchant, [(reservation, written)], now, missing=missing, owed=owed)

    def leave_all(self, merchant: str, found: EventsByKey, now: datetime) -> None:
        """Record that these events stand, or may stand, in calendars to which people have dragged them."""
        with self._store.write() as connection:
            doubted = [(key[0], doubt_version(connection, merchant, key[0], each)) for key, each in found.items()]
            leave(connection, merchant, doubted, now, missing=True)

    def get_keys(self, merchant: str, reservation: str) -> LeftKeys:
        """Return the keys of the reservation's events that stand, or may stand, in calendars out of reach."""
        with self._store.read() as session:
            rows = session.exec(_SELECT_KEYS, params={"merchant": merchant, "reservation": reservation})
            found = [(_key(row), row.owed or not row.missing, doubled) for row, doubled in rows]
        return LeftKeys(
            owed=frozenset(key for key, owed, _ in found if owed),
            doubled=frozenset(key for key, _, doubled in found if doubled),
            missing=frozenset(key for key, _, _ in found),
        )

    def has_debts(self, merchant: str, owner: Owner) -> bool:
        """Return whether any of the owner's events has to go from a calendar out of reach."""
        own = and_(*(_EVENTS.c[name] == _TABLE.c[name] for name in _EVENT_KEY))
        debt = exists().where(own, _EVENTS.c.state == SyncState.TO_DELETE.value)
        query = select(LeftEventRow).where(*_is_left(merchant, owner), debt)
        with self._store.read() as session:
            return session.exec(query.limit(1)).first() is not None

    def count(self, merchant: str, reservation: str | None = None) -> list[LeftCount]:
        """Return how many events of the reservation, or of the merchant, were left in calendars of each owner."""
        own = {"merchant": merchant} | ({"reservation": reservation} if reservation is not None else {})
        groups = (_TABLE.c.kind, _TABLE.c.owner_id, _TABLE.c.missing)
        query = select_columns(*groups, func.count()).filter_by(**own).group_by(*groups).order_by(*groups)
        with self._store.read() as session:
            return [
                LeftCount(Owner(kind=OwnerKind(kind), id=owner_id), missing, count)
                for kind, owner_id, missing, count in session.connection().execute(query)
            ]

    def get_places(self, merchant: str, reservation: str, key: EventKey) -> list[str]:
        """Return the ids of the calendars in which the event was left."""
        own = {"merchant": merchant, "reservation": reservation, "item": key.item}
        query = select(LeftEventRow.calendar_id).filter_by(**own, kind=key.owner.kind.value, owner_id=key.owner.id)
        with self._store.read() as session:
            return list(session.exec(query))

    def find(self, merchant: str, owner: Owner) -> dict[str, EventsByKey]:
        """Return the owner's events that were left in calendars, by calendar.

        Those that slotsync has written to the same calendar again are left out.
        """
        query = select(LeftEventRow).where(*_is_left(merchant, owner))
        found: dict[str, EventsByKey] = {}
        with self._store.read() as session:
            for row in session.exec(query):
                found.setdefault(row.calendar_id, {})[row.reservation, _key(row)] = _written(row)
        return found

    def has_any(self, merchant: str, owner: Owner) -> bool:
        """Return whether any of the owner's events was left in a calendar."""
        with self._store.read() as session:
            return session.exec(select(LeftEventRow).where(*_is_left(merchant, owner)).limit(1)).first() is not None

    def get_calendars(self, merchant: str, owner: Owner) -> list[str]:
        """Return the ids of the calendars in which the owner's events were left, the last one first.

        Those that Google did not find are behind the others.
        """
        last = func.max(_TABLE.c.since)
        query = select(LeftEventRow.calendar_id).where(*_is_left(merchant, owner)).group_by(_TABLE.c.calendar_id)
        missing = func.max(case((_TABLE.c.missing, 1), else_=0))
        with self._store.read() as session:
            return list(session.exec(query.order_by(missing, last.desc())))

    def find_orphans(self, merchant: str, owner: Owner, calendar_id: str) -> EventsByKey:
        """Return the owner's events that erased reservations have left in the calendar."""
        query = select(LeftEventRow).filter_by(**_place(merchant, owner, calendar_id)).where(_IS_ORPHAN)
        with self._store.read() as session:
            return {(row.reservation, _key(row)): _written(row) for row in session.exec(query)}

    def forget_orphan(self, merchant: str, reservation: str, left: WrittenEvent) -> None:
        """Forget an event of an erased reservation, which is deleted."""
        own = _place(merchant, left.key.owner, left.calendar_id) | {"reservation": reservation, "item": left.key.item}
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).filter_by(**own).where(_IS_ORPHAN))

    def forget_searched(self, merchant: str, reservation: str, key: EventKey, calendar_ids: Iterable[str]) -> None:
        """Forget that the event may stand in these calendars, which were searched by now."""
        own = delete(_TABLE).filter_by(merchant=merchant, reservation=reservation, item=key.item, missing=True)
        of_owner = own.filter_by(kind=key.owner.kind.value, owner_id=key.owner.id)
        with self._store.write() as connection:
            connection.execute(of_owner.where(_TABLE.c.calendar_id.in_([*calendar_ids])))

    def forget_deleted(self, merchant: str, reservation: str, written: WrittenEvent) -> None:
        """Forget that the event was left where Google has deleted it by now: its account may have changed meanwhile."""
        if written.present:
            return
        place = _place(merchant, written.key.owner, written.calendar_id)
        left = delete(_TABLE).filter_by(**place, reservation=reservation, item=written.key.item)
        with self._store.write() as connection:
            connection.execute(left)

    def settle_missing(self, merchant: str, owner: Owner, now: datetime) -> None:
        """Have the reservations look again of which events had to go from calendars that Google does not find.

        They counted while the owner's calendar was off, and nobody looked for them.
        """
        own = and_(*(_EVENTS.c[name] == _TABLE.c[name] for name in _EVENT_KEY))
        missing = (_TABLE.c.missing, not_(_TABLE.c.owed), exists().where(own, _IS_DEBT))
        query = select(LeftEventRow.reservation).where(*_is_left(merchant, owner), *missing).distinct()
        with self._store.write() as connection:
            for reservation in [*connection.execute(query).scalars()]:
                make_due(connection, merchant, reservation, now)

    def forget(self, merchant: str, owner: Owner, calendar_id: str) -> None:
        """Forget what was left of the owner's events in a calendar, and have their reservations look at it."""
        with self._store.write() as connection:
            left = take_left(connection, merchant, owner, calendar_id)
            connection.execute(_of_calendar(merchant, owner, calendar_id))
            for reservation in {reservation for reservation, _ in left}:
                make_due(connection, merchant, reservation, self._store.now())

    def find_in_own_account(self, merchant: str, owner: Owner) -> set[str]:
        """Return the ids of the calendars of the account that is connected now in which owed events were left.

        They were left when another account was connected; what was left in those of that account is not among them.
        """
        query = select(LeftEventRow.calendar_id).filter_by(merchant=merchant, kind=owner.kind.value, owner_id=owner.id)
        with self._store.read() as session:
            return {*session.exec(query.where(*_IS_OWED_HERE).distinct())}

    def mark_missing(self, merchant: str, owner: Owner, calendar_id: str, now: datetime) -> None:
        """Record that the account of a calendar does not find it, unless another account is connected by now.

        What was left there is owed no more, and its reservations are settled; it is looked for as long as what was left
        in other calendars that Google does not find.
        """
        owed = update(_TABLE).filter_by(**_place(merchant, owner, calendar_id)).where(*_IS_OWED_HERE)
        with self._store.write() as connection:
            missing = owed.values(missing=True, since=now).returning(_TABLE.c.reservation)
            for reservation in {*connection.execute(missing).scalars()}:
                make_due(connection, merchant, reservation, now)

    def forget_missing(self, merchant: str, owner: Owner, now: datetime) -> None:
        """Forget the calendars that Google has not found for ``MISSING_CALENDAR_KEPT``: nothing is owed there."""
        old = delete(_TABLE).filter_by(merchant=merchant, kind=owner.kind.value, owner_id=owner.id, missing=True)
        gone = old.where(_TABLE.c.since < now - MISSING_CALENDAR_KEPT).returning(_TABLE.c.reservation, _TABLE.c.owed)
        with self._store.write() as connection:
            for reservation in {row.reservation for row in connection.execute(gone).all() if row.owed}:
                make_due(connection, merchant, reservation, now)


def leave(  # noqa: PLR0913  the events, and how they are left
    connection: Connection,
    merchant: str,
    events: Iterable[tuple[str, WrittenEvent]],
    now: datetime,
    *,
    missing: bool,
    owed: bool = False,
) -> None:
    """Record that these events of reservations stand in a calendar out of reach."""
    rows = [
        {
            "merchant": merchant,
            "reservation": reservation,
            "item": written.key.item,
            "kind": written.key.owner.kind.value,
            "owner_id": written.key.owner.id,
            "calendar_id": written.calendar_id,
            "generation": written.generation,
            "version": written.version,
            "duplicates_in": " ".join(written.duplicates_in),
            "missing": missing,
            "owed": owed,
            "since": now,
        }
        for reservation, written in events
    ]
    if rows:
        _LEAVE.run_all(connection, rows)


def owe_left(connection: Connection, merchant: str, calendar_id: str, now: datetime, *, owed: bool) -> None:
    """Record whether what is left in a calendar that Google does not find counts as being there."""
    left = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id, missing=True)
    _change_left(connection, merchant, left.where(_TABLE.c.owed.is_not(owed)).values(owed=owed), now)


def leave_in_former_account(connection: Connection, merchant: str, calendar_id: str, now: datetime) -> None:
    """Record that what is left in this calendar counts as being there until its account is asked again."""
    left = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id, missing=True)
    _change_left(connection, merchant, left.values(missing=False), now)


def _change_left(connection: Connection, merchant: str, change: Update, now: datetime) -> None:
    """Change what is left in a calendar, and have the reservations look at it."""
    for reservation in {*connection.execute(change.returning(_TABLE.c.reservation)).scalars()}:
        make_due(connection, merchant, reservation, now)


def doubt_version(connection: Connection, merchant: str, reservation: str, found: WrittenEvent) -> WrittenEvent:
    """Return the event that was found, without a version in a mark of the first format that is not known yet.

    Another program may have written it there. As version 0 without a fingerprint, the event is written again.
    """
    newest = select(_RESERVATIONS.c.version).filter_by(merchant=merchant, id=reservation)
    if not found.first_format or found.version <= (connection.execute(newest).scalar() or 0):
        return found
    return found.model_copy(update={"version": 0, "fingerprint": ""})


def take_left(connection: Connection, merchant: str, owner: Owner, calendar_id: str) -> EventsByKey:
    """Forget what was left of the owner's events in a calendar that is back, and return it.

    What erased reservations have left has no workflow that would delete it: it stays until it is deleted.
    """
    own = _of_calendar(merchant, owner, calendar_id).where(~_IS_ORPHAN).returning(*_TABLE.c)
    rows = [LeftEventRow(**each) for each in connection.execute(own).mappings()]
    return {(row.reservation, _key(row)): _written(row) for row in rows}


def make_due(connection: Connection, merchant: str, reservation: str, now: datetime) -> None:
    """Have the sweep start the reservation's workflow, unless an operator has stopped it."""
    _make_due(connection, merchant, _RESERVATIONS.c.id == reservation, now)


def make_debtors_due(connection: Connection, merchant: str, calendar_id: str, now: datetime) -> None:
    """Have the sweep start the workflows of the reservations that waited for events in this calendar to be gone."""
    in_it = select(SyncedEventRow.reservation).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
    owed = in_it.where(_EVENTS.c.state == SyncState.TO_DELETE.value)
    _make_due(connection, merchant, _RESERVATIONS.c.id.in_(owed), now)


def make_all_due(connection: Connection, merchant: str, calendar_id: str, now: datetime) -> None:
    """Have the sweep start the workflows of the reservations with events in this calendar.

    A wave that was planned while the calendar was there is not the last one.
    """
    in_it = select(SyncedEventRow.reservation).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
    _make_due(connection, merchant, _RESERVATIONS.c.id.in_(in_it), now)


def _make_due(connection: Connection, merchant: str, which: ColumnElement[bool], now: datetime) -> None:
    due = update(_RESERVATIONS).filter_by(merchant=merchant).where(which, _RESERVATIONS.c.stopped_at.is_(None))
    connection.execute(due.values(due_at=now))


def owes_deletion() -> ColumnElement[bool]:
    """Return the condition for reservations with an event that has to be deleted still."""
    own = and_(_EVENTS.c.merchant == _RESERVATIONS.c.merchant, _EVENTS.c.reservation == _RESERVATIONS.c.id)
    return exists().where(own, _EVENTS.c.state == SyncState.TO_DELETE.value)


def _is_left(merchant: str, owner: Owner) -> tuple[ColumnElement[bool], ...]:
    again = and_(*(_EVENTS.c[name] == _TABLE.c[name] for name in (*_EVENT_KEY, "calendar_id")), _EVENTS.c.present)
    own = (_TABLE.c.merchant == merchant, _TABLE.c.kind == owner.kind.value, _TABLE.c.owner_id == owner.id)
    return *own, not_(select(SyncedEventRow).where(again).exists())


def _of_calendar(merchant: str, owner: Owner, calendar_id: str) -> Delete:
    return delete(_TABLE).filter_by(**_place(merchant, owner, calendar_id))


def _place(merchant: str, owner: Owner, calendar_id: str) -> dict[str, str]:
    return {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id, "calendar_id": calendar_id}


def _key(row: LeftEventRow) -> EventKey:
    return EventKey.model_construct(
        item=row.item, owner=Owner.model_construct(kind=OwnerKind(row.kind), id=row.owner_id)
    )


def _written(row: LeftEventRow) -> WrittenEvent:
    return WrittenEvent(
        key=_key(row),
        calendar_id=row.calendar_id,
        connection_id="",
        generation=row.generation,
        version=row.version,
        fingerprint="",
        etag="",
        duplicates_in=tuple(row.duplicates_in.split()),
    )
