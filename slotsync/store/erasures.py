"""Erasures: all rows of a merchant, or of one reservation, are deleted, and nothing of them is stored again soon."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from slotsync.errors import Erased
from slotsync.store.data_keys import erase_data_key
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables import METADATA
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.erasures import ErasureRow
from slotsync.store.tables.reservations import ReservationRow

REPEATED_FOR: Final = timedelta(hours=3)
"""Longer than what was under way can take to end: attempts of activities, signals, visits of the settings page."""

KEPT: Final = frozenset({"audit_entry", "erasure"})
"""Tables that an erasure leaves as they are: that something was done, and when, stays in the audit log."""

DATA_KEY: Final = "data_key"

_MAX_ROWS_PER_PAGE: Final = 500
_MAX_ROUNDS: Final = 5
"""Rounds through all tables: a row that refers to another one may be stored between their deletions."""

_TABLE = table_of(ErasureRow)
_MERCHANTS = table_of(MerchantRow)
_RESERVATIONS = table_of(ReservationRow)


def _extend(insert: Insert) -> Insert:
    longer = {"repeat_until": insert.excluded.repeat_until}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=longer)


_BEGIN = Upsert(_TABLE, _extend)


@dataclass(frozen=True)
class Erasure:
    """An erasure of a merchant, or of one of its reservations, with how much was deleted so far, by table."""

    merchant: str
    reservation: str | None
    begun_at: datetime
    repeat_until: datetime
    counts: Mapping[str, int]


class Erasures:
    """Stores erasures, and deletes rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, merchant: str, reservation: str | None, now: datetime) -> None:
        """Record the erasure, or that it is begun again: from now on nothing of it is stored for a while."""
        times = {"begun_at": now, "repeat_until": now + REPEATED_FOR}
        with self._store.write() as connection:
            _BEGIN.run(connection, merchant=merchant, reservation=reservation or "", **times, counts="{}")

    def get(self, merchant: str, reservation: str | None = None) -> Erasure | None:
        """Return the erasure of the merchant, or of the reservation, or None if there is none, or if it is long ago."""
        with self._store.read() as session:
            row = session.get(ErasureRow, (merchant, reservation or ""))
            return _erasure(row) if row else None

    def find(self) -> list[Erasure]:
        """Return the erasures that are to be repeated."""
        with self._store.read() as session:
            rows = session.connection().execute(select(_TABLE)).mappings()
            return [_erasure(ErasureRow.model_validate(row)) for row in rows]

    def forget(self, now: datetime) -> None:
        """Delete the erasures that need no repetition any more."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.repeat_until <= now))

    def is_anything_stored(self, merchant: str, reservation: str | None = None) -> bool:
        """Return whether the merchant, or the reservation, has any row."""
        # The audit log, which stays, makes a data key anew.
        tables = [table for table in METADATA.sorted_tables if table.name != DATA_KEY]
        found = ((table, _rows(table, merchant, reservation)) for table in tables)
        return any(self._exists(table, own) for table, own in found if own is not None)

    def delete_rows(self, merchant: str, reservation: str | None = None) -> int:
        """Delete all rows of the merchant, or of the reservation, page by page; return how many.

        Each page is counted in the record of the erasure, in its transaction. What refers to other rows goes first.
        """
        if reservation is None:
            with self._store.write() as connection:
                erase_data_key(connection, merchant)
        for _ in range(_MAX_ROUNDS - 1):
            try:
                return self._delete_once(merchant, reservation)
            except IntegrityError:
                continue
        return self._delete_once(merchant, reservation)

    def _delete_once(self, merchant: str, reservation: str | None) -> int:
        deleted = 0
        for table in reversed(METADATA.sorted_tables):
            own = _rows(table, merchant, reservation)
            while own is not None and (page := self._delete_page(table, own, (merchant, reservation or ""))):
                deleted += page
        return deleted

    def _delete_page(self, table: Table, own: ColumnElement[bool], erasure: tuple[str, str]) -> int:
        key = table.primary_key.columns
        page = select(*key).where(own).limit(_MAX_ROWS_PER_PAGE)
        with self._store.write() as connection:
            deleted = connection.execute(delete(table).where(tuple_(*key).in_(page))).rowcount
            if deleted:
                _count(connection, erasure, table.name, deleted)
        return deleted

    def _exists(self, table: Table, own: ColumnElement[bool]) -> bool:
        with self._store.read() as session:
            return (
                session.connection().execute(select(*table.primary_key.columns).where(own).limit(1)).first() is not None
            )


def require_not_erased(connection: Connection, merchant: str, reservation: str = "") -> None:
    """Check, within a transaction, that the merchant, or this reservation, was not erased a short time ago.

    Raises:
        Erased: it was.
    """
    own = select(_TABLE.c.repeat_until).filter_by(merchant=merchant, reservation=reservation)
    until = connection.execute(own).scalar()
    if until:
        raise Erased(" of ".join(filter(None, (reservation, merchant))), until)


def find_tables_without_merchant() -> set[str]:
    """Return the names of the tables of which no row belongs to a merchant."""
    return {table.name for table in METADATA.sorted_tables if _rows(table, "", None) is None}


def _rows(table: Table, merchant: str, reservation: str | None) -> ColumnElement[bool] | None:
    """Return the condition for the table's rows of the merchant or the reservation, or None if it can have none."""
    if table.name in KEPT:
        return None
    return rows_of_merchant(table, merchant) if reservation is None else _rows_of(table, merchant, reservation)


def _rows_of(table: Table, merchant: str, reservation: str) -> ColumnElement[bool] | None:
    if table is _RESERVATIONS:
        return and_(table.c.merchant == merchant, table.c.id == reservation)
    if "reservation" in table.c:
        return and_(table.c.merchant == merchant, table.c.reservation == reservation)
    return None


def rows_of_merchant(table: Table, merchant: str) -> ColumnElement[bool] | None:
    """Return the condition for rows that name the merchant, or that refer to such rows."""
    if table is _MERCHANTS:
        return table.c.id == merchant
    if "merchant" in table.c:
        return table.c.merchant == merchant
    for key in table.foreign_keys:
        referred = rows_of_merchant(key.column.table, merchant)
        if referred is not None:
            return key.parent.in_(select(key.column).where(referred))
    return None


def _count(connection: Connection, erasure: tuple[str, str], table: str, deleted: int) -> None:
    own = tuple_(_TABLE.c.merchant, _TABLE.c.reservation) == tuple_(*erasure)
    before = connection.execute(select(_TABLE.c.counts).where(own).with_for_update()).scalar()
    if before is not None:
        counts = Counter(json.loads(before)) + Counter({table: deleted})
        connection.execute(update(_TABLE).where(own).values(counts=json.dumps(counts)))


def _erasure(row: ErasureRow) -> Erasure:
    counts = json.loads(row.counts)
    return Erasure(row.merchant, row.reservation or None, row.begun_at, row.repeat_until, counts)
