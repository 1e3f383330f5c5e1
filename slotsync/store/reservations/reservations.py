"""The newest version of each reservation, and the newest that Google shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Executable, case, literal, update
from sqlmodel import select

from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import Insert, Upsert, since, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

_TABLE = table_of(ReservationRow)
_EVENTS = table_of(SyncedEventRow)
_AT_REST = (SyncState.IN_STEP.value, SyncState.DELETED.value, SyncState.NOT_SYNCED.value)


def _unless_newer_is_known(insert: Insert) -> Executable:
    new = insert.excluded
    upsert = insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            "version": new.version,
            "status": new.status,
            "ends_at": new.ends_at,
            "since": since(_TABLE, "version", new.version, new.since),
        },
        where=_TABLE.c.version <= new.version,
    )
    return upsert.returning(_TABLE.c.version)


_BEGIN = Upsert(_TABLE, _unless_newer_is_known)


@dataclass(frozen=True)
class NotedReservation:
    """What is known of a reservation; ``settled_version`` is the newest that Google has shown in full."""

    version: int
    settled_version: int | None
    status: ReservationStatus
    ends_at: datetime | None
    since: datetime


class Reservations:
    """Notes the versions of reservations."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._booked = BookedTimes(store)

    def begin(  # noqa: PLR0913, PLR0917 - the reservation, and what is to be noted of it
        self,
        merchant: str,
        reservation: str,
        version: int,
        status: ReservationStatus,
        ends_at: datetime | None,
        now: datetime,
        booked: Sequence[BookedTime] = (),
    ) -> bool:
        """Notes a version, and when it needs products; false when a newer one is known, and then nothing changes."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            noted = _BEGIN.run(
                connection,
                merchant=merchant,
                id=reservation,
                version=version,
                status=status.value,
                ends_at=ends_at,
                since=now,
            )
            if noted is None:
                return False
            # Whoever notes another version of it at the same time waits, since its row is locked.
            self._booked.replace(connection, merchant, reservation, booked, now)
            return True

    def settle(self, merchant: str, reservation: str, version: int, now: datetime) -> None:
        """Notes that Google shows all of this version; nothing changes when a newer one is under way."""
        newest = update(_TABLE).filter_by(merchant=merchant, id=reservation, version=version)
        with self._store.write() as connection:
            if connection.execute(newest.values(settled_version=version)).rowcount:
                _lay_to_rest(connection, merchant, reservation, now)

    def version(self, merchant: str, reservation: str) -> int | None:
        """The newest version that was noted; nothing when the reservation is unknown."""
        noted = self.get(merchant, reservation)
        return noted.version if noted else None

    def settled_versions(self, merchant: str) -> dict[str, int]:
        """The newest version of each reservation that Google has shown in full."""
        query = select(ReservationRow.id, ReservationRow.settled_version).where(ReservationRow.merchant == merchant)
        with self._store.read() as session:
            return {reservation: version for reservation, version in session.exec(query) if version is not None}

    def get(self, merchant: str, reservation: str) -> NotedReservation | None:
        """What is known of a reservation."""
        with self._store.read() as session:
            row = session.get(ReservationRow, (merchant, reservation))
        if row is None:
            return None
        return NotedReservation(
            version=row.version,
            settled_version=row.settled_version,
            status=ReservationStatus(row.status),
            ends_at=row.ends_at,
            since=row.since,
        )


def _lay_to_rest(connection: Connection, merchant: str, reservation: str, now: datetime) -> None:
    """What still seemed held up is not: it is right as it stands, or was never needed."""
    held = update(_EVENTS).filter_by(merchant=merchant, reservation=reservation).where(_EVENTS.c.state.not_in(_AT_REST))
    rest = case((_EVENTS.c.present, literal(SyncState.IN_STEP.value)), else_=literal(SyncState.DELETED.value))
    connection.execute(held.values(state=rest, last_error=None, since=now))
