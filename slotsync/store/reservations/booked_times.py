"""Times in which reservations need products."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.reservations.booked_time import BookedTime, met
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.reservations import BookedTimeRow

KEPT = timedelta(days=30)
"""How long times that are over are kept, for whoever asks."""

_TABLE = table_of(BookedTimeRow)

_MARK = (
    update(_TABLE)
    .where(
        _TABLE.c.merchant == bindparam("of"),
        _TABLE.c.reservation == bindparam("found"),
        _TABLE.c.item == bindparam("place"),
    )
    .values(conflict_since=bindparam("since"))
)


class BookedTimes:
    """Keeps the times of each reservation's newest version, and notes conflicts with busy times.

    What is read to be changed is locked in one order, so that a reservation and the radar wait for each other.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, merchant: str, reservation: str) -> list[BookedTime]:
        """When a reservation needs which product."""
        with self._store.read() as session:
            return [_time(row) for row in session.connection().execute(_of(merchant, reservation)).mappings()]

    def replace(
        self, connection: Connection, merchant: str, reservation: str, times: Sequence[BookedTime], now: datetime
    ) -> None:
        """Notes the times of a reservation, within a transaction. One that stays as it was keeps its conflict."""
        known = {_time(row) for row in connection.execute(_of(merchant, reservation).with_for_update()).mappings()}
        wanted = {each for each in times if each.span.end > now - KEPT}
        if gone := [each.item for each in known - wanted]:
            own = delete(_TABLE).filter_by(merchant=merchant, reservation=reservation)
            connection.execute(own.where(_TABLE.c.item.in_(gone)))
        if new := wanted - known:
            _sweep(connection, merchant, {each.product for each in new}, now)
            connection.execute(insert(_TABLE), [_values(merchant, each) for each in new])

    def conflicts(
        self, connection: Connection, merchant: str, product: str, busy: Sequence[Interval], now: datetime
    ) -> list[BookedTime]:
        """The times to come that these busy times meet and that had no conflict, within a transaction.

        They have one from now on.
        """
        if not busy:
            return []
        around = (
            _TABLE.c.conflict_since.is_(None),
            _TABLE.c.ends_at > max(now, min(span.start for span in busy)),
            _TABLE.c.starts_at < max(span.end for span in busy),
        )
        found = [*met(_locked(connection, _of_product(merchant, product).where(*around)), busy)]
        _mark(connection, merchant, found, now)
        return found

    def resolved(self, connection: Connection, merchant: str, product: str, still: Sequence[Interval]) -> None:
        """Ends the conflicts of times that none of these spans, busy or unknown, meets any more."""
        marked = _TABLE.c.conflict_since.is_not(None)
        had = _locked(connection, _of_product(merchant, product).where(marked))
        kept = {*met(had, still)}
        _mark(connection, merchant, [each for each in had if each not in kept], None)


def _of(merchant: str, reservation: str) -> Select[tuple[object, ...]]:
    return select(_TABLE).filter_by(merchant=merchant, reservation=reservation).order_by(_TABLE.c.item)


def _of_product(merchant: str, product: str) -> Select[tuple[object, ...]]:
    own = select(_TABLE).filter_by(merchant=merchant, product=product)
    return own.order_by(_TABLE.c.reservation, _TABLE.c.item)


def _locked(connection: Connection, query: Select[tuple[object, ...]]) -> list[BookedTime]:
    return [_time(row) for row in connection.execute(query.with_for_update()).mappings()]


def _mark(connection: Connection, merchant: str, times: Sequence[BookedTime], since: datetime | None) -> None:
    if times:
        marks = [{"of": merchant, "found": each.reservation, "place": each.item, "since": since} for each in times]
        connection.execute(_MARK, marks)


def _sweep(connection: Connection, merchant: str, products: set[str], now: datetime) -> None:
    """Forgets what has been over for long."""
    over = (_TABLE.c.product.in_(products), _TABLE.c.ends_at < now - KEPT)
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant, *over))


def _time(row: RowMapping) -> BookedTime:
    span = Interval(start=row["starts_at"], end=row["ends_at"])
    return BookedTime(reservation=row["reservation"], item=row["item"], product=row["product"], span=span)


def _values(merchant: str, booked: BookedTime) -> dict[str, object]:
    return {
        "merchant": merchant,
        "reservation": booked.reservation,
        "item": booked.item,
        "product": booked.product,
        "starts_at": booked.span.start,
        "ends_at": booked.span.end,
    }
