"""Reservations: the newest version of each, and the newest that Google shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Executable, update
from sqlmodel import select

from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import Insert, Upsert, since, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.reservations.synced_events import settle_events
from slotsync.store.tables.reservations import ReservationRow

_TABLE = table_of(ReservationRow)


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


_RECORD = Upsert(_TABLE, _unless_newer_is_known)


@dataclass(frozen=True)
class KnownReservation:
    """The recorded state of a reservation; ``settled_version`` is the newest that Google has shown in full."""

    version: int
    settled_version: int | None
    status: ReservationStatus
    ends_at: datetime | None
    since: datetime


class Reservations:
    """Stores the versions of reservations."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._booked = BookedTimes(store)

    def record_version(  # noqa: PLR0913, PLR0917 - the reservation, and what to record of it
        self,
        merchant: str,
        reservation: str,
        version: int,
        status: ReservationStatus,
        ends_at: datetime | None,
        now: datetime,
        booked: Sequence[BookedTime] = (),
    ) -> bool:
        """Record a version and its booked times; return false, and change nothing, if a newer version is recorded."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            recorded = _RECORD.run(
                connection,
                merchant=merchant,
                id=reservation,
                version=version,
                status=status.value,
                ends_at=ends_at,
                since=now,
            )
            if recorded is None:
                return False
            # The row is locked now: a transaction that records another version at the same time waits.
            self._booked.replace(connection, merchant, reservation, booked, now)
            return True

    def settle(self, merchant: str, reservation: str, version: int, now: datetime) -> None:
        """Record that Google shows all of this version; change nothing if a newer version is recorded."""
        newest = update(_TABLE).filter_by(merchant=merchant, id=reservation, version=version)
        with self._store.write() as connection:
            if connection.execute(newest.values(settled_version=version)).rowcount:
                settle_events(connection, merchant, reservation, now)

    def get_version(self, merchant: str, reservation: str) -> int | None:
        """Return the newest recorded version, or None if the reservation is unknown."""
        known = self.get(merchant, reservation)
        return known.version if known else None

    def get_settled_versions(self, merchant: str) -> dict[str, int]:
        """Return the newest version of each reservation that Google has shown in full, by reservation id."""
        query = select(ReservationRow.id, ReservationRow.settled_version).where(ReservationRow.merchant == merchant)
        with self._store.read() as session:
            return {reservation: version for reservation, version in session.exec(query) if version is not None}

    def get(self, merchant: str, reservation: str) -> KnownReservation | None:
        """Return the recorded state of a reservation, or None if it is unknown."""
        with self._store.read() as session:
            row = session.get(ReservationRow, (merchant, reservation))
        if row is None:
            return None
        return KnownReservation(
            version=row.version,
            settled_version=row.settled_version,
            status=ReservationStatus(row.status),
            ends_at=row.ends_at,
            since=row.since,
        )
