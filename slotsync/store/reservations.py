"""Which version of a reservation is the newest, and which one Google shows in full."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, literal, update
from sqlmodel import Session

from slotsync.rules.reservation import ReservationStatus
from slotsync.rules.sync_state import SyncState
from slotsync.store.merchants import ensure_merchant
from slotsync.store.store import Store
from slotsync.store.tables import ReservationRow, SyncedEventRow
from slotsync.store.upsert import insert_into, since, table_of

_TABLE = table_of(ReservationRow)
_EVENTS = table_of(SyncedEventRow)
_AT_REST = (SyncState.IN_STEP.value, SyncState.DELETED.value, SyncState.NOT_SYNCED.value)


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

    def begin(  # noqa: PLR0913, PLR0917 - the reservation, and what is to be noted of it
        self,
        merchant: str,
        reservation: str,
        version: int,
        status: ReservationStatus,
        ends_at: datetime | None,
        now: datetime,
    ) -> bool:
        """Notes a version; false when a newer one is known already, and then nothing changes."""
        told = {"version": version, "status": status.value, "ends_at": ends_at}
        with self._store.write() as session:
            ensure_merchant(session, merchant)
            insert = insert_into(session, _TABLE, merchant=merchant, id=reservation, since=now, **told)
            upsert = insert.on_conflict_do_update(
                index_elements=_TABLE.primary_key,
                set_={**told, "since": since(_TABLE, "version", insert.excluded.version, insert.excluded.since)},
                where=_TABLE.c.version <= insert.excluded.version,
            )
            return session.execute(upsert.returning(_TABLE.c.version)).first() is not None

    def settle(self, merchant: str, reservation: str, version: int, now: datetime) -> None:
        """Notes that Google shows all of this version; nothing changes when a newer one is under way."""
        newest = update(_TABLE).filter_by(merchant=merchant, id=reservation, version=version)
        with self._store.write() as session:
            if session.execute(newest.values(settled_version=version).returning(_TABLE.c.version)).first():
                _lay_to_rest(session, merchant, reservation, now)

    def version(self, merchant: str, reservation: str) -> int | None:
        """The newest version that was noted; nothing when the reservation is unknown."""
        noted = self.get(merchant, reservation)
        return noted.version if noted else None

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


def _lay_to_rest(session: Session, merchant: str, reservation: str, now: datetime) -> None:
    """What still seemed held up is not: it is right as it stands, or was never needed."""
    held = update(_EVENTS).filter_by(merchant=merchant, reservation=reservation).where(_EVENTS.c.state.not_in(_AT_REST))
    rest = case((_EVENTS.c.present, literal(SyncState.IN_STEP.value)), else_=literal(SyncState.DELETED.value))
    session.execute(held.values(state=rest, last_error=None, since=now))
