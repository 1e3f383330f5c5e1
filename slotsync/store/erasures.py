"""Erasures: all rows of a merchant, or of one reservation, are deleted, and nothing of them is stored again soon."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, or_, select, tuple_, update
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

LEFT: Final = "left_event"
"""The table of what is still to be deleted in calendars out of reach, known by ids: kept if the reservation goes."""

KEPT: Final = frozenset({"audit_entry", "erasure"})
"""Tables that an erasure leaves as they are: that something was done, and when, stays in the audit log."""

DATA_KEY: Final = "data_key"

_WORKFLOWS: Final = "workflows"
_COUNTED_UNTIL: Final = "workflows_counted_until"
"""Among the counts of rows: the number of runs, and the newest start of those, in microseconds since 1970."""

_MAX_ROWS_PER_PAGE: Final = 500
_MAX_ROUNDS: Final = 5
"""Rounds through all tables: a row that refers to another one may be stored between their deletions."""

_TABLE = table_of(ErasureRow)
_MERCHANTS = table_of(MerchantRow)
_RESERVATIONS = table_of(ReservationRow)


def _extend(insert: Insert) -> Insert:
    new = insert.excluded
    again = {"repeat_until": new.repeat_until, "deleting": or_(_TABLE.c.deleting, new.deleting)}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=again)


_PUT = Upsert(_TABLE, _extend)


@dataclass(frozen=True)
class Erasure:
    """An erasure of a merchant, or of one of its reservations.

    ``counts`` says how many rows were deleted so far, by table, and ``workflows`` how many runs.
    """

    merchant: str
    reservation: str | None
    begun_at: datetime
    repeat_until: datetime
    counts: Mapping[str, int]
    workflows: int


class Erasures:
    """Stores erasures, and deletes rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(
        self, merchant: str, reservation: str | None, now: datetime, record: Callable[[Connection], None] | None = None
    ) -> None:
        """Close the merchant, or the reservation: from now on nothing of it is taken for a while.

        What others have stored of it by now is seen by everything that follows. Nothing is deleted before ``begin``.
        All visits of a merchant end. ``record`` writes who does it into the audit log, in the same transaction.
        """
        with self._store.write() as connection:
            _put(connection, merchant, reservation, now, deleting=False)
            if reservation is None:
                connection.execute(update(_MERCHANTS).filter_by(id=merchant).values(visits_ended_at=now))
            if record:
                record(connection)

    def begin(self, merchant: str, reservation: str | None, now: datetime) -> None:
        """Record that it is being deleted, or is again: from now on slotsync itself stores nothing of it either."""
        with self._store.write() as connection:
            _put(connection, merchant, reservation, now, deleting=True)

    def get(self, merchant: str, reservation: str | None = None) -> Erasure | None:
        """Return the erasure of the merchant, or of the reservation, or None if there is none, or if it is long ago."""
        with self._store.read() as session:
            row = session.get(ErasureRow, (merchant, reservation or ""))
            return _erasure(row) if row else None

    def find(self) -> list[Erasure]:
        """Return the erasures that are to be repeated."""
        with self._store.read() as session:
            rows = session.connection().execute(select(_TABLE).where(_TABLE.c.deleting)).mappings()
            return [_erasure(ErasureRow.model_validate(row)) for row in rows]

    def forget(self, now: datetime) -> None:
        """Delete the erasures that need no repetition any more, and those that were given up."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.repeat_until <= now))

    def count_workflows(self, merchant: str, reservation: str | None, started: Collection[datetime]) -> None:
        """Count runs that are to be deleted, by their starts. One that was counted before is not counted again."""
        if not started:
            return
        with self._store.write() as connection:
            _change_counts(connection, (merchant, reservation or ""), lambda counts: _add_runs(counts, started))

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
                count_deleted(connection, erasure, table.name, deleted)
        return deleted

    def _exists(self, table: Table, own: ColumnElement[bool]) -> bool:
        with self._store.read() as session:
            return (
                session.connection().execute(select(*table.primary_key.columns).where(own).limit(1)).first() is not None
            )


def _put(connection: Connection, merchant: str, reservation: str | None, now: datetime, *, deleting: bool) -> None:
    # Those who store something of the merchant have locked its row before they look for erasures: this waits for them.
    connection.execute(select(_MERCHANTS.c.id).filter_by(id=merchant).with_for_update())
    times = {"begun_at": now, "repeat_until": now + REPEATED_FOR}
    _PUT.run(connection, merchant=merchant, reservation=reservation or "", **times, counts="{}", deleting=deleting)


def require_not_erased(
    connection: Connection, merchant: str, reservation: str = "", *, waiting_too: bool = True
) -> None:
    """Check, within a transaction, that neither the merchant nor this reservation is erased, or was a short time ago.

    Those that wait for Google still count unless ``waiting_too`` is false.

    Raises:
        Erased: it is.
    """
    found = select(_TABLE.c.reservation, _TABLE.c.repeat_until).where(
        _TABLE.c.merchant == merchant, _TABLE.c.reservation.in_(("", reservation))
    )
    row = connection.execute(found if waiting_too else found.where(_TABLE.c.deleting)).first()
    if row:
        raise Erased(" of ".join(filter(None, (row.reservation, merchant))), row.repeat_until)


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
    if "reservation" in table.c and table.name != LEFT:
        return and_(table.c.merchant == merchant, table.c.reservation == reservation)
    return None


def rows_of_merchant(table: Table, merchant: str) -> ColumnElement[bool] | None:
    """Return the condition for rows that name the merchant, or refer to such rows; None if the table has none."""
    if table is _MERCHANTS:
        return table.c.id == merchant
    if "merchant" in table.c:
        return table.c.merchant == merchant
    for key in table.foreign_keys:
        referred = rows_of_merchant(key.column.table, merchant)
        if referred is not None:
            return key.parent.in_(select(key.column).where(referred))
    return None


def count_deleted(connection: Connection, erasure: tuple[str, str], table: str, deleted: int) -> None:
    """Count deleted rows in the record of the erasure of this merchant and reservation, within their transaction."""
    _change_counts(connection, erasure, lambda counts: counts.update({table: deleted}))


def _change_counts(connection: Connection, erasure: tuple[str, str], change: Callable[[Counter[str]], None]) -> None:
    own = tuple_(_TABLE.c.merchant, _TABLE.c.reservation) == tuple_(*erasure)
    before = connection.execute(select(_TABLE.c.counts).where(own).with_for_update()).scalar()
    if before is not None:
        counts = Counter[str](json.loads(before))
        change(counts)
        connection.execute(update(_TABLE).where(own).values(counts=json.dumps(counts)))


def _add_runs(counts: Counter[str], started: Collection[datetime]) -> None:
    moments = [int(each.timestamp() * 1_000_000) for each in started]
    counts[_WORKFLOWS] += sum(each > counts[_COUNTED_UNTIL] for each in moments)
    counts[_COUNTED_UNTIL] = max(counts[_COUNTED_UNTIL], *moments)


def _erasure(row: ErasureRow) -> Erasure:
    counts = json.loads(row.counts)
    rows = {name: count for name, count in counts.items() if name not in {_WORKFLOWS, _COUNTED_UNTIL}}
    workflows = counts.get(_WORKFLOWS, 0)
    return Erasure(row.merchant, row.reservation or None, row.begun_at, row.repeat_until, rows, workflows)
