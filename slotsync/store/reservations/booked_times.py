"""Booked times: when reservations need products, and which of them conflict with busy times."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.reservations.booked_time import BookedTime, overlapping_times
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.conflicts import (
    booked_time_in,
    follow_conflicts,
    keep_conflicts,
    record_conflicts,
    resolve_conflicts,
)
from slotsync.store.tables.reservations import BookedTimeRow

BOOKED_TIME_RETENTION = timedelta(days=30)
"""The time for which booked times are kept after their end, for later questions."""

MARK_INTERVAL = timedelta(microseconds=1)
"""The time between two marks of one publication: by it, the conflicts that were told are known from the others."""

_TABLE = table_of(BookedTimeRow)

_MARK = (
    update(_TABLE)
    .where(
        _TABLE.c.merchant == bindparam("of_merchant"),
        _TABLE.c.reservation == bindparam("of_reservation"),
        _TABLE.c.item == bindparam("of_item"),
    )
    .values(conflict_since=bindparam("since"))
)


class BookedTimes:
    """Stores the booked times of each reservation's newest version, and its conflicts with busy times.

    Rows that are read to be changed are locked in one order, so that writers of reservations and of availability wait
    for each other instead of deadlocking.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_times(self, merchant: str, reservation: str) -> list[BookedTime]:
        """Return the booked times of a reservation, in the order of items."""
        with self._store.read() as session:
            return [
                booked_time_in(row)
                for row in session.connection().execute(_select_reservation(merchant, reservation)).mappings()
            ]

    def replace(
        self, connection: Connection, merchant: str, reservation: str, times: Sequence[BookedTime], now: datetime
    ) -> bool:
        """Replace the booked times of a reservation, within a transaction; return whether any of them is new.

        An unchanged time keeps its conflict, also as another item: items without ids are numbered.
        """
        rows = connection.execute(_select_reservation(merchant, reservation).with_for_update()).mappings()
        known = {booked_time_in(row): row["conflict_since"] for row in rows}
        wanted = {each for each in times if each.interval.end > now - BOOKED_TIME_RETENTION}
        gone, new = known.keys() - wanted, wanted - known.keys()
        if gone:
            own = delete(_TABLE).filter_by(merchant=merchant, reservation=reservation)
            connection.execute(own.where(_TABLE.c.item.in_([each.item for each in gone])))
        if new:
            _delete_old(connection, merchant, {each.product for each in new}, now)
        since = follow_conflicts(connection, merchant, {each: known[each] for each in gone}, new, now)
        if new:
            added = [_values(merchant, each) | {"conflict_since": since[each]} for each in new]
            connection.execute(insert(_TABLE), added)
        return bool(new)

    def find_conflicts(
        self, connection: Connection, merchant: str, product: str, busy: Sequence[Interval], now: datetime
    ) -> list[BookedTime]:
        """Return the future booked times that overlap these busy times and are not marked as conflicts yet."""
        query = _select_unmarked(merchant, product, busy, now)
        rows = connection.execute(query).mappings() if busy else ()
        return [*overlapping_times(map(booked_time_in, rows), busy)]

    def mark_conflicts(
        self, connection: Connection, merchant: str, product: str, busy: Sequence[Interval], now: datetime
    ) -> list[BookedTime]:
        """Mark the future booked times that overlap these busy times as conflicts, and return the new conflicts.

        Within a transaction. In their order, each is marked as ``MARK_INTERVAL`` later than the one before.
        """
        if not busy:
            return []
        found = [*overlapping_times(_locked(connection, _select_unmarked(merchant, product, busy, now)), busy)]
        marks = {each: now + MARK_INTERVAL * number for number, each in enumerate(found)}
        _mark(connection, merchant, marks)
        record_conflicts(connection, merchant, marks)
        return found

    def end_conflicts(
        self, connection: Connection, merchant: str, product: str, not_free: Sequence[Interval], now: datetime
    ) -> None:
        """End the conflicts of booked times that overlap none of these busy or unknown intervals any more."""
        marked = _TABLE.c.conflict_since.is_not(None)
        rows = connection.execute(_select_product(merchant, product).where(marked).with_for_update()).mappings()
        had = {booked_time_in(row): row["conflict_since"] for row in rows}
        kept = {*overlapping_times(had, not_free)}
        ended = [each for each in had if each not in kept]
        keep_conflicts(connection, merchant, product, {each: had[each] for each in kept})
        _mark(connection, merchant, dict.fromkeys(ended))
        resolve_conflicts(connection, merchant, ended, now)


def forget_conflicts(
    connection: Connection, merchant: str, product: str | None = None, since: datetime | None = None
) -> None:
    """Forget which booked times of the merchant, or of one product, conflict with busy times, within a transaction.

    With ``since``, only those that were marked at that time or later.
    """
    own = _TABLE.c.merchant == merchant if product is None else _is_product(merchant, product)
    marked = (own, _TABLE.c.conflict_since >= since if since else _TABLE.c.conflict_since.is_not(None))
    in_order = select(_TABLE.c.item).where(*marked).order_by(_TABLE.c.reservation, _TABLE.c.item)
    connection.execute(in_order.with_for_update()).all()
    # What a writer of a reservation, for whom that has waited, has added is found by now.
    connection.execute(update(_TABLE).where(*marked).values(conflict_since=None))


def _is_product(merchant: str, product: str) -> ColumnElement[bool]:
    return and_(_TABLE.c.merchant == merchant, _TABLE.c.product == product)


def _select_reservation(merchant: str, reservation: str) -> Select[tuple[object, ...]]:
    return select(_TABLE).filter_by(merchant=merchant, reservation=reservation).order_by(_TABLE.c.item)


def _select_product(merchant: str, product: str) -> Select[tuple[object, ...]]:
    own = select(_TABLE).filter_by(merchant=merchant, product=product)
    return own.order_by(_TABLE.c.reservation, _TABLE.c.item)


def _select_unmarked(
    merchant: str, product: str, busy: Sequence[Interval], now: datetime
) -> Select[tuple[object, ...]]:
    """Return the query for the future booked times without a conflict between the first and the last busy time."""
    return _select_product(merchant, product).where(
        _TABLE.c.conflict_since.is_(None),
        _TABLE.c.ends_at > max([now, *(each.start for each in busy[:1])]),
        _TABLE.c.starts_at < max((each.end for each in busy), default=now),
    )


def _locked(connection: Connection, query: Select[tuple[object, ...]]) -> list[BookedTime]:
    return [booked_time_in(row) for row in connection.execute(query.with_for_update()).mappings()]


def _mark(connection: Connection, merchant: str, marks: Mapping[BookedTime, datetime | None]) -> None:
    if marks:
        rows = [
            {"of_merchant": merchant, "of_reservation": each.reservation, "of_item": each.item, "since": since}
            for each, since in marks.items()
        ]
        connection.execute(_MARK, rows)


def _delete_old(connection: Connection, merchant: str, products: set[str], now: datetime) -> None:
    """Delete the booked times of these products that ended long ago."""
    over = (_TABLE.c.product.in_(products), _TABLE.c.ends_at < now - BOOKED_TIME_RETENTION)
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant, *over))


def _values(merchant: str, booked: BookedTime) -> dict[str, object]:
    return {
        "merchant": merchant,
        "reservation": booked.reservation,
        "item": booked.item,
        "product": booked.product,
        "starts_at": booked.interval.start,
        "ends_at": booked.interval.end,
    }
