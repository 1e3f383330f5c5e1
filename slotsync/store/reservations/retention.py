"""Retention: drop what snapshots say of guests, and later the rows of reservations that are over."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    delete,
    exists,
    null,
    or_,
    select,
    tuple_,
    update,
)

from slotsync.domain.reservations.drift import DriftKind
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.domain.reservations.stored_snapshot import Reduction, reduce_snapshot
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.reservations.booked_times import BOOKED_TIME_RETENTION
from slotsync.store.reservations.drift_rows import KEPT
from slotsync.store.reservations.synced_events import SAME_RESERVATION
from slotsync.store.tables.availability import ConfirmationRow
from slotsync.store.tables.calendars import FormerCalendarRow
from slotsync.store.tables.drift import DriftRow
from slotsync.store.tables.reservations import BookedTimeRow, ConflictRow, LeftEventRow, ReservationRow, SyncedEventRow

ROW_RETENTION: Final = timedelta(days=365)
"""The time for which rows are kept after their contents were dropped.

A late repetition of an old report is known by its row, and by the rows of the events a merchant's choice to show less
of guests, or nothing any more, reaches the events of the last year.
"""

_TABLE = table_of(ReservationRow)
_EVENTS = table_of(SyncedEventRow)
_BOOKED = table_of(BookedTimeRow)
_LEFT = table_of(LeftEventRow)
_CONFIRMATIONS = table_of(ConfirmationRow)
_DRIFT = table_of(DriftRow)
_CONFLICTS = table_of(ConflictRow)
_FORMER = table_of(FormerCalendarRow)
_KEY = tuple_(_TABLE.c.merchant, _TABLE.c.id)


def _is_in_former_calendar(events: Table) -> ColumnElement[bool]:
    """Return the condition for events of the owner that are, or were left, in its former calendar."""
    return and_(*(events.c[name] == _FORMER.c[name] for name in ("merchant", "kind", "owner_id", "calendar_id")))


_STANDS_IN = and_(_is_in_former_calendar(_EVENTS), _EVENTS.c.present)
_LEFT_IN = _is_in_former_calendar(_LEFT)


@dataclass(frozen=True)
class Dropped:
    """The result of dropping a page: counts of contents of reservations, rows of reservations, and other rows."""

    contents: int = 0
    reservations: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """The number of all of them; none once everything old is dropped."""
        return self.contents + self.reservations + self.others


class Retention:
    """Drops what is kept no longer, page by page."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def drop_page(self, kept_since: datetime, now: datetime, limit: int) -> Dropped:
        """Drop what is kept no longer, of everything up to ``limit`` rows; return how much.

        Contents are kept since ``kept_since``: reservations that ended or were cancelled earlier, and were not reported
        since, lose them.
        """
        return Dropped(
            contents=self._reduce_page(kept_since, limit),
            reservations=self._delete_reservations(kept_since - ROW_RETENTION, limit),
            others=self._delete_others(kept_since, now, limit),
        )

    def _reduce_page(self, kept_since: datetime, limit: int) -> int:
        old = and_(_TABLE.c.reduced.is_(None), _is_over(kept_since))
        with self._store.write() as connection:
            query = select(_TABLE).where(old).order_by(_TABLE.c.since).limit(limit).with_for_update(skip_locked=True)
            rows = connection.execute(query).mappings().all()
            for row in rows:
                own = (_TABLE.c.merchant == row["merchant"], _TABLE.c.id == row["id"])
                columns = reduced_columns(connection, self._keys, row, Reduction.RETENTION)
                connection.execute(update(_TABLE).where(*own).values(columns))
            return len(rows)

    def _delete_reservations(self, kept_since: datetime, limit: int) -> int:
        """Delete reservations with their events and booked times; what has still to go from Google is kept."""
        debt = exists().where(SAME_RESERVATION, _EVENTS.c.state == SyncState.TO_DELETE.value)
        left = exists().where(_LEFT.c.merchant == _TABLE.c.merchant, _LEFT.c.reservation == _TABLE.c.id)
        old = and_(_is_over(kept_since), _TABLE.c.due_at.is_(None), ~debt, ~left)
        with self._store.write() as connection:
            query = select(_TABLE.c.merchant, _TABLE.c.id).where(old).limit(limit).with_for_update(skip_locked=True)
            keys = [tuple(row) for row in connection.execute(query)]
            if keys:
                for table in (_EVENTS, _BOOKED, _CONFLICTS):
                    own = tuple_(table.c.merchant, table.c.reservation).in_(keys)
                    connection.execute(delete(table).where(own))
                connection.execute(delete(_TABLE).where(_KEY.in_(keys)))
            return len(keys)

    def _delete_others(self, kept_since: datetime, now: datetime, limit: int) -> int:
        booked = select(*_BOOKED.primary_key.columns).where(_BOOKED.c.ends_at < now - BOOKED_TIME_RETENTION)
        confirmed = select(_CONFIRMATIONS.c.id).where(_CONFIRMATIONS.c.checked_at < kept_since)
        emptied = select(*_FORMER.primary_key.columns).where(~exists().where(_STANDS_IN), ~exists().where(_LEFT_IN))
        conflicts = select(_CONFLICTS.c.id).where(_CONFLICTS.c.ends_at < now - BOOKED_TIME_RETENTION)
        drifts = select(_DRIFT.c.id).where(_is_dropped_drift(now))
        with self._store.write() as connection:
            old_times = tuple_(*_BOOKED.primary_key.columns).in_(booked.limit(limit))
            times = connection.execute(delete(_BOOKED).where(old_times))
            answers = connection.execute(delete(_CONFIRMATIONS).where(_CONFIRMATIONS.c.id.in_(confirmed.limit(limit))))
            old_places = tuple_(*_FORMER.primary_key.columns).in_(emptied.limit(limit))
            places = connection.execute(delete(_FORMER).where(old_places))
            drift = connection.execute(delete(_DRIFT).where(_DRIFT.c.id.in_(drifts.limit(limit))))
            over = connection.execute(delete(_CONFLICTS).where(_CONFLICTS.c.id.in_(conflicts.limit(limit))))
            return sum(each.rowcount for each in (times, answers, places, drift, over))


def _is_dropped_drift(now: datetime) -> ColumnElement[bool]:
    """Return the condition for drift that was resolved long ago, or of a reservation without contents or that is gone.

    Orphans are of reservations that nobody knows.
    """
    own = exists().where(_TABLE.c.merchant == _DRIFT.c.merchant, _TABLE.c.id == _DRIFT.c.reservation)
    kept = own.where(_TABLE.c.reduced.is_distinct_from(Reduction.RETENTION.value))
    is_event = and_(_DRIFT.c.reservation.is_not(None), _DRIFT.c.drift != DriftKind.ORPHAN.value)
    return or_(_DRIFT.c.resolved_at < now - KEPT, and_(is_event, ~kept))


def reduced_columns(
    connection: Connection,
    keys: DataKeys,
    row: RowMapping,
    why: Reduction,
    status: ReservationStatus | None = None,
) -> dict[str, object]:
    """Return the columns of a row without contents. A snapshot that no key opens is dropped as a whole."""
    encrypted = None
    with suppress(Undecryptable):
        text = keys.decrypt(connection, cell(_TABLE.c.snapshot, row["merchant"], id=row["id"]), row["snapshot"] or "")
        own = keys.for_writing(connection, row["merchant"])
        encrypted = own.encrypt(_TABLE.c.snapshot, reduce_snapshot(text, status), id=row["id"])
    return {"snapshot": encrypted or null(), "content_hash": null(), "reduced": why.value}


def _is_over(before: datetime) -> ColumnElement[bool]:
    """Return the condition for reservations that ended, or were cancelled, before this time, and not reported since."""
    cancelled = _TABLE.c.status == ReservationStatus.CANCELLED.value
    ended = or_(cancelled, _TABLE.c.ends_at < before, _TABLE.c.ends_at.is_(None))
    return and_(_TABLE.c.since < before, ended)
