"""Erasure of what is stored of guests; Google follows by the reservations' workflows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, select, update

from slotsync.domain.audit import AuditChange
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.domain.reservations.stored_snapshot import Reduction
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, record_resumptions
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.retention import reduced_columns
from slotsync.store.reservations.synced_events import SAME_RESERVATION
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

_TABLE = table_of(ReservationRow)
_EVENTS = table_of(SyncedEventRow)


class GuestErasure:
    """Drops contents of reservations for good, at the version that is stored: a late report does not bring them back.

    ``reservation`` is None for all of the merchant.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = AuditLog(store, vault)

    def erase_guest(self, merchant: str, reservation: str, now: datetime, change: AuditChange | None = None) -> bool:
        """Drop what the snapshot says of the guest; its events are due to be written again, without.

        Return false if the reservation is unknown. ``change`` is recorded with it.
        """
        return self._reduce(merchant, reservation, now, None, change)

    def cancel(self, merchant: str, reservation: str, now: datetime) -> bool:
        """Drop what the snapshot says of the guest; its events are due to be deleted.

        Return false if the reservation is unknown.
        """
        return self._reduce(merchant, reservation, now, ReservationStatus.CANCELLED)

    def find_left(self, merchant: str, *, limit: int) -> list[str]:
        """Return ids of reservations of which nothing was erased yet.

        Events may show of guests what retention has dropped from the snapshot.
        """
        left = (_TABLE.c.merchant == merchant, _TABLE.c.reduced.is_distinct_from(Reduction.ERASURE.value))
        with self._store.read() as session:
            return [*session.connection().execute(select(_TABLE.c.id).where(*left).limit(limit)).scalars()]

    def count_unwritten(self, merchant: str, reservation: str | None = None) -> int:
        """Return of how many erased reservations Google does not show the newest version yet.

        Those of which events stand only in calendars of a former account do not count: these wait for that account.
        """
        unsettled = _TABLE.c.settled_version.is_distinct_from(_TABLE.c.version)
        done = and_(
            _TABLE.c.planned_version == _TABLE.c.version, _TABLE.c.due_at.is_(None), _TABLE.c.stopped_at.is_(None)
        )
        out_of_reach = and_(done, ~exists().where(SAME_RESERVATION, _EVENTS.c.present))
        wanted = (_is_erased(merchant, reservation), unsettled, ~func.coalesce(out_of_reach, false()))
        query = select(func.count()).select_from(_TABLE).where(*wanted)
        with self._store.read() as session:
            return session.connection().execute(query).scalar_one()

    def get_states(self, merchant: str, reservation: str | None = None) -> Sequence[tuple[str, int]]:
        """Return how many events of erased reservations that are in Google are in each state but ``in_step``."""
        shown = and_(_EVENTS.c.present, _EVENTS.c.state != SyncState.IN_STEP.value)
        query = select(_EVENTS.c.state, func.count()).join(_TABLE, SAME_RESERVATION).group_by(_EVENTS.c.state)
        with self._store.read() as session:
            rows = session.connection().execute(query.where(_is_erased(merchant, reservation), shown))
            return [(state, count) for state, count in rows]

    def _reduce(
        self,
        merchant: str,
        reservation: str,
        now: datetime,
        status: ReservationStatus | None,
        change: AuditChange | None = None,
    ) -> bool:
        own = (_TABLE.c.merchant == merchant, _TABLE.c.id == reservation)
        unsettled = {"planned_version": None, "settled_version": None, "due_at": now, "stopped_at": None}
        with self._store.write() as connection:
            row = connection.execute(select(_TABLE).where(*own).with_for_update()).mappings().one_or_none()
            if row is None:
                return False
            values = reduced_columns(connection, self._keys, row, Reduction.ERASURE, status) | unsettled
            values |= {"status": status.value} if status else {}
            connection.execute(update(_TABLE).where(*own).values(values))
            if change:
                self._audit.record(connection, merchant, change, now)
            stopped = [(merchant, reservation)] if row["stopped_at"] else []
            record_resumptions(connection, self._audit, "reservation", stopped, now)
            return True


def _is_erased(merchant: str, reservation: str | None) -> ColumnElement[bool]:
    erased = and_(_TABLE.c.merchant == merchant, _TABLE.c.reduced == Reduction.ERASURE.value)
    return erased if reservation is None else and_(erased, _TABLE.c.id == reservation)
