"""Conflicts of bookings with busy times: since when each is known, and when it ended."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, select, tuple_, update

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.reservations import ConflictRow

_TABLE = table_of(ConflictRow)
_ORDER = (_TABLE.c.found_at, _TABLE.c.id)


class Conflict(Message):
    """An item of a reservation at a time when its product is busy.

    ``resolved_at`` is null as long as neither side has moved.
    """

    id: str
    product: str
    reservation: str
    item: str
    start: datetime
    end: datetime
    found_at: datetime
    resolved_at: datetime | None = None


class Conflicts:
    """Reads the conflicts of merchants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(
        self,
        merchant: str,
        limit: int,
        after: tuple[datetime, str] | None = None,
        *,
        product: str | None = None,
        only_open: bool = False,
    ) -> list[Conflict]:
        """Return the merchant's conflicts by when they were found, after a time and an id if given."""
        query = select(_TABLE).where(_TABLE.c.merchant == merchant).order_by(*_ORDER).limit(limit)
        query = query.where(tuple_(*_ORDER) > tuple_(*after)) if after else query
        query = query.where(_TABLE.c.product == product) if product else query
        query = query.where(_IS_OPEN) if only_open else query
        with self._store.read() as session:
            return [_conflict(ConflictRow(**row)) for row in session.connection().execute(query).mappings()]


_IS_OPEN = _TABLE.c.resolved_at.is_(None)


def record_conflicts(connection: Connection, merchant: str, found: Mapping[BookedTime, datetime]) -> None:
    """Record, within a transaction, that these booked times conflict with busy times since then."""
    rows = [_values(merchant, booked, since) for booked, since in found.items()]
    if rows:
        connection.execute(insert(_TABLE), rows)


def resolve_conflicts(connection: Connection, merchant: str, ended: Iterable[BookedTime], now: datetime) -> None:
    """Record, within a transaction, that the conflicts of these booked times are over."""
    for booked in ended:
        connection.execute(update(_TABLE).where(_is_open(merchant, booked)).values(resolved_at=now))


def follow_conflicts(
    connection: Connection,
    merchant: str,
    gone: Mapping[BookedTime, datetime | None],
    new: Collection[BookedTime],
    now: datetime,
) -> dict[BookedTime, datetime | None]:
    """Return since when each of the new booked times of a reservation conflicts, as the gone ones at its time do.

    Within a transaction. A conflict that an item has taken over goes on, the others of those that are gone are over.
    """
    left = defaultdict[tuple[str, Interval], list[BookedTime]](list)
    since = dict[tuple[str, Interval], datetime | None]()
    for booked, conflict_since in gone.items():
        if conflict_since:
            left[_place(booked)].append(booked)
            since[_place(booked)] = conflict_since
    for booked in new:
        if former := left[_place(booked)]:
            own = update(_TABLE).where(_is_open(merchant, former.pop()))
            connection.execute(own.values(item=booked.item))
        elif told := since.get(_place(booked)):
            record_conflicts(connection, merchant, {booked: told})
    resolve_conflicts(connection, merchant, (each for former in left.values() for each in former), now)
    return {booked: since.get(_place(booked)) for booked in new}


def keep_conflicts(connection: Connection, merchant: str, product: str, known: Mapping[BookedTime, datetime]) -> None:
    """Record those of a product's conflicts, known since then, of which no record is left, within a transaction.

    It went with a calendar that was taken off, which need not be the one in the way.
    """
    if not known:
        return
    query = select(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.product == product, _IS_OPEN)
    recorded = {booked_time_in(row) for row in connection.execute(query).mappings()}
    record_conflicts(connection, merchant, {each: since for each, since in known.items() if each not in recorded})


def drop_conflicts(connection: Connection, merchant: str, product: str | None = None) -> None:
    """Delete the merchant's conflicts, or one product's: they show when a calendar was busy that is read no more.

    Within a transaction. Those with calendars that are still read are recorded again.
    """
    own = delete(_TABLE).where(_TABLE.c.merchant == merchant)
    connection.execute(own if product is None else own.where(_TABLE.c.product == product))


def _place(booked: BookedTime) -> tuple[str, Interval]:
    return booked.product, booked.interval


def _is_open(merchant: str, booked: BookedTime) -> ColumnElement[bool]:
    own = (_TABLE.c.merchant == merchant, _TABLE.c.reservation == booked.reservation, _TABLE.c.item == booked.item)
    time = (_TABLE.c.starts_at == booked.interval.start, _TABLE.c.ends_at == booked.interval.end)
    return and_(*own, _TABLE.c.product == booked.product, *time, _IS_OPEN)


def booked_time_in(row: RowMapping) -> BookedTime:
    """Return the booked time of a row."""
    interval = Interval(start=row["starts_at"], end=row["ends_at"])
    return BookedTime(reservation=row["reservation"], item=row["item"], product=row["product"], interval=interval)


def _values(merchant: str, booked: BookedTime, since: datetime) -> dict[str, object]:
    return {
        "id": uuid4().hex,
        "merchant": merchant,
        "product": booked.product,
        "reservation": booked.reservation,
        "item": booked.item,
        "starts_at": booked.interval.start,
        "ends_at": booked.interval.end,
        "found_at": since,
    }


def _conflict(row: ConflictRow) -> Conflict:
    return Conflict(
        id=row.id,
        product=row.product,
        reservation=row.reservation,
        item=row.item,
        start=row.starts_at,
        end=row.ends_at,
        found_at=row.found_at,
        resolved_at=row.resolved_at,
    )
