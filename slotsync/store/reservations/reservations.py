"""Reservations: the newest snapshot of each, the newest version that Google shows, and when it is due."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Executable, and_, func, literal, not_, null, or_, tuple_, update
from sqlalchemy import select as select_columns
from sqlmodel import select

from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.reservations.schedule import ends_at, starts_at
from slotsync.domain.reservations.snapshot import Reservation, ReservationStatus
from slotsync.domain.reservations.stored_snapshot import Reduction, dump_snapshot, load_snapshot, plain_content_hash
from slotsync.domain.retry_delays import MAX_CLOCK_DIFFERENCE
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, record_resumption, record_resumptions, record_stop
from slotsync.store.content_hashes import CONTENT_HASHES
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, since, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.due_rows import DueRows
from slotsync.store.database.engine import Store, read_clock
from slotsync.store.merchants import ensure_merchant
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.reservations.left_events import owes_deletion
from slotsync.store.reservations.soonest_first import StartPosition, is_after, start_order
from slotsync.store.reservations.synced_events import is_open, settle_events
from slotsync.store.tables.reservations import ReservationRow

_TABLE = table_of(ReservationRow)
_KIND = "reservation"


def _if_newer(insert: Insert) -> Executable:
    new = insert.excluded
    reported = ("version", "status", "snapshot", "content_hash", "starts_at", "ends_at", "due_at")
    upsert = insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: new[column] for column in reported},
            "since": since(_TABLE, "version", new.version, new.since),
            "stopped_at": null(),
            "problem": null(),
            "reduced": null(),
        },
        # A row without a snapshot was written before snapshots were stored.
        where=or_(_TABLE.c.version < new.version, and_(_TABLE.c.version == new.version, _TABLE.c.snapshot.is_(None))),
    )
    return upsert.returning(_TABLE.c.version)


_REPORT = Upsert(_TABLE, _if_newer)
_UNPLANNED = and_(
    or_(_TABLE.c.planned_version.is_(None), _TABLE.c.planned_version != _TABLE.c.version), _TABLE.c.stopped_at.is_(None)
)

_UNSETTLED = and_(
    or_(_TABLE.c.settled_version.is_(None), _TABLE.c.settled_version != _TABLE.c.version),
    _TABLE.c.snapshot.is_not(None),
)


MarkChanged = Callable[[Connection, str, datetime], None]
"""Marks the account of a merchant as changed at this time, within a transaction."""


class ReportResult(StrEnum):
    """The results of a report: stored, known already with the same content, older, or the same with other content."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class StoredReport:
    """The result of a report, and the newest version. ``due``: it waits for its workflow."""

    result: ReportResult
    version: int
    due: bool


@dataclass(frozen=True)
class KnownReservation:
    """The recorded state of a reservation; ``settled_version`` is the newest that Google has shown in full."""

    version: int
    planned_version: int | None
    settled_version: int | None
    status: ReservationStatus
    ends_at: datetime | None
    since: datetime
    content_hash: str | None = None
    reduced: str | None = None
    due_at: datetime | None = None
    stopped_at: datetime | None = None
    problem: str | None = None


class Reservations:
    """Stores the newest snapshot of each reservation, encrypted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = AuditLog(store, vault)
        self._booked = BookedTimes(store)
        self.due_rows = DueRows(store, _TABLE, "merchant", "id")

    def report(self, reservation: Reservation, now: datetime) -> StoredReport:
        """Store the snapshot if it is newer than the stored one. It is due at once, and no longer stopped.

        Raises:
            Erased: the merchant or the reservation is being erased.
        """
        content_hash = plain_content_hash(reservation)
        with self._store.write() as connection:
            ensure_merchant(connection, reservation.merchant, reservation.id)
            key = self._keys.for_writing(connection, reservation.merchant)
            former = self._lock_former(connection, reservation)
            stopped = self.due_rows.lock_stopped(connection, *_is(reservation.merchant, reservation.id))
            hasher = key.get_hasher(CONTENT_HASHES)
            stored = _REPORT.run(
                connection,
                merchant=reservation.merchant,
                id=reservation.id,
                version=reservation.version,
                status=reservation.status.value,
                starts_at=starts_at(reservation),
                ends_at=ends_at(reservation),
                since=now,
                snapshot=key.encrypt(_TABLE.c.snapshot, dump_snapshot(reservation, former), id=reservation.id),
                content_hash=hasher.hash(content_hash),
                due_at=now,
            )
            if stored is not None:
                record_resumptions(connection, self._audit, _KIND, stopped, now)
        if stored is not None:
            return StoredReport(ReportResult.ACCEPTED, reservation.version, due=True)
        known = self.get(reservation.merchant, reservation.id)
        if known is None:  # deleted in this moment
            return self.report(reservation, now)
        if known.version > reservation.version:
            result = ReportResult.SUPERSEDED
        else:
            # What was dropped does not come back.
            same = known.reduced or hasher.matches(known.content_hash, content_hash)
            result = ReportResult.UNCHANGED if same else ReportResult.CONFLICT
        return StoredReport(result, known.version, due=known.due_at is not None)

    def _lock_former(self, connection: Connection, reservation: Reservation) -> Reservation | None:
        """Return the stored version if items without ids are numbered by it, and lock its row; None if no key fits."""
        if reservation.items and all(item.id for item in reservation.items):
            return None
        merchant, name = reservation.merchant, reservation.id
        query = select_columns(_TABLE.c.snapshot).where(*_is(merchant, name))
        encrypted = connection.execute(query.with_for_update()).scalar()
        if encrypted is None:
            return None
        with suppress(Undecryptable):
            text = self._keys.decrypt(connection, cell(_TABLE.c.snapshot, merchant, id=name), encrypted)
            return load_snapshot(merchant, name, text)
        return None

    def get_snapshot(self, merchant: str, reservation: str) -> Reservation | None:
        """Return the newest stored snapshot, or None if there is none.

        Raises:
            Undecryptable: no key fits it.
        """
        with self._store.read() as session:
            row = session.get(ReservationRow, (merchant, reservation))
            if row is None or row.snapshot is None:
                return None
            place = cell(_TABLE.c.snapshot, merchant, id=reservation)
            text = self._keys.decrypt(session, place, row.snapshot)
        return load_snapshot(merchant, reservation, text, kept_in_google=row.reduced == Reduction.RETENTION)

    def record_plan(
        self,
        desired: Reservation,
        ends: datetime | None,
        booked: Sequence[BookedTime],
        now: datetime,
        mark_changed: MarkChanged | None = None,
    ) -> bool:
        """Record that a version is planned, its end and its booked times; return whether any booked time is new.

        If one is, ``mark_changed`` has the products' watchers compare it with what is known to be busy. They look back
        for seconds only, so that it gets the time of now: ``now`` is when the workflow asked for it, maybe long ago.

        Nothing is recorded, and false returned, if another version is stored by now.
        """
        own = update(_TABLE).filter_by(merchant=desired.merchant, id=desired.id, version=desired.version)
        planned = {"starts_at": starts_at(desired), "ends_at": ends, "planned_version": desired.version}
        with self._store.write() as connection:
            if not connection.execute(own.values(**planned)).rowcount:
                return False
            # The row is locked now: a transaction that records another version at the same time waits.
            new = self._booked.replace(connection, desired.merchant, desired.id, booked, now)
            if new and mark_changed:
                mark_changed(connection, desired.merchant, read_clock(connection))
            return new

    def record_wave(  # noqa: PLR0913  the reservation, and what to record of it
        self,
        merchant: str,
        reservation: str,
        version: int,
        *,
        settled: bool,
        debts: bool = False,
        due_at: datetime | None,
        seen_due: Sequence[datetime | None] = (),
        now: datetime,
    ) -> bool:
        """Record when the reservation is due, and with ``settled`` that Google shows all of this version.

        With ``debts`` it also shows what has to go, so that the version does not count as shown.
        Return false, and change nothing, if another version is stored by now, or if the reservation has become due
        since ``seen_due``. That the sweep has postponed it is none of that: it has signalled the workflow.
        """
        due, soon = _TABLE.c.due_at, now + MAX_CLOCK_DIFFERENCE
        seen = [or_(due.is_(None), due > soon, due == each) for each in seen_due]
        own = update(_TABLE).filter_by(merchant=merchant, id=reservation, version=version).where(*seen)
        with self._store.write() as connection:
            values = {"due_at": due_at, "problem": None} | (
                {"settled_version": version} if settled and not debts else {}
            )
            if not connection.execute(own.values(**values)).rowcount:
                return False
            if settled:
                settle_events(connection, merchant, reservation, now, debts=debts)
            return True

    def stop(self, merchant: str, reservation: str, now: datetime, *, version: int | None = None) -> None:
        """Record that an operator has stopped the reservation: nothing is due until it is resumed or reported anew.

        A version that was reported since is not stopped; None stops any.
        """
        known = [] if version is None else [_TABLE.c.version <= version]
        self.due_rows.stop(now, *_is(merchant, reservation), *known, record=record_stop(self._audit, _KIND, now))

    def resume(self, merchant: str, reservation: str | None, now: datetime, *, limit: int) -> list[str]:
        """Make stopped reservations due again, this one or the next ``limit`` of the merchant, and return their ids.

        Those that start soonest are first.
        """
        record = record_resumption(self._audit, _KIND, now)
        if reservation is not None:
            return [resumed for _, resumed in self.due_rows.resume(now, *_is(merchant, reservation), record=record)]
        stopped = select(ReservationRow.id).where(ReservationRow.merchant == merchant, _TABLE.c.stopped_at.is_not(None))
        page = stopped.order_by(*start_order(now)).limit(limit)
        own = (_TABLE.c.merchant == merchant, _TABLE.c.id.in_(page))
        resumed = self.due_rows.resume(now, *own, record=record)
        return self._sort(merchant, [reservation for _, reservation in resumed], now)

    def find_due(self, now: datetime, *, limit: int) -> list[ReservationKey]:
        """Return reservations that are due, those of all merchants by turns, the longest due first."""
        place = func.row_number().over(partition_by=_TABLE.c.merchant, order_by=_TABLE.c.due_at)
        query = select(ReservationRow.merchant, ReservationRow.id).where(_TABLE.c.due_at <= now)
        with self._store.read() as session:
            return list(map(_reservation_key, session.exec(query.order_by(place).limit(limit))))

    def find_unfinished(self, now: datetime, *, limit: int, after: ReservationKey) -> list[ReservationKey]:
        """Return the next reservations, in order, that are neither cancelled nor over, or are due, now or later.

        Also those that are unsettled though none of their events has to be deleted any more.
        """
        key = tuple_(_TABLE.c.merchant, _TABLE.c.id)
        query = select(ReservationRow.merchant, ReservationRow.id).where(
            key > tuple_(literal(after.merchant), literal(after.reservation)),
            _TABLE.c.stopped_at.is_(None),
            or_(is_open(now), _TABLE.c.due_at.is_not(None), and_(_UNSETTLED, not_(owes_deletion()))),
        )
        with self._store.read() as session:
            rows = session.exec(query.order_by(_TABLE.c.merchant, _TABLE.c.id).limit(limit))
            return list(map(_reservation_key, rows))

    def count_overdue(self, before: datetime, merchant: str | None = None) -> int:
        """Return how many reservations were reported before this time of which no workflow has planned the version."""
        query = select(func.count()).where(_UNPLANNED, _TABLE.c.since < before)
        if merchant is not None:
            query = query.where(_TABLE.c.merchant == merchant)
        with self._store.read() as session:
            return session.exec(query).one()

    def find_waiting(
        self, merchant: str, now: datetime, *, all_open: bool, limit: int, after: str = ""
    ) -> list[StartPosition]:
        """Return the next reservations that are due, or with ``all_open`` all that are open.

        Those that start soonest are first. ``after`` is the text of the last position before.
        """
        wanted = or_(_TABLE.c.due_at.is_not(None), is_open(now)) if all_open else _TABLE.c.due_at.is_not(None)
        query = select_columns(*start_order(now)).where(
            _TABLE.c.merchant == merchant, _TABLE.c.stopped_at.is_(None), wanted
        )
        if position := StartPosition.read(after):
            query = query.where(is_after(position, now))
        with self._store.read() as session:
            rows = session.connection().execute(query.order_by(*start_order(now)).limit(limit))
            return [StartPosition(*row) for row in rows]

    def get_settled_versions(self, merchant: str) -> dict[str, int]:
        """Return the newest version of each reservation that Google has shown in full, by reservation id."""
        query = select(ReservationRow.id, ReservationRow.settled_version).where(ReservationRow.merchant == merchant)
        with self._store.read() as session:
            return {reservation: version for reservation, version in session.exec(query) if version is not None}

    def _sort(self, merchant: str, reservations: Sequence[str], now: datetime) -> list[str]:
        own = select(ReservationRow.id).where(ReservationRow.merchant == merchant, _TABLE.c.id.in_(reservations))
        with self._store.read() as session:
            return list(session.exec(own.order_by(*start_order(now))))

    def get(self, merchant: str, reservation: str) -> KnownReservation | None:
        """Return the recorded state of a reservation, or None if it is unknown."""
        with self._store.read() as session:
            row = session.get(ReservationRow, (merchant, reservation))
        if row is None:
            return None
        return KnownReservation(
            version=row.version,
            planned_version=row.planned_version,
            settled_version=row.settled_version,
            status=ReservationStatus(row.status),
            ends_at=row.ends_at,
            since=row.since,
            content_hash=row.content_hash,
            reduced=row.reduced,
            due_at=row.due_at,
            stopped_at=row.stopped_at,
            problem=row.problem,
        )


def _is(merchant: str, reservation: str) -> Sequence[ColumnElement[bool]]:
    return _TABLE.c.merchant == merchant, _TABLE.c.id == reservation


def _reservation_key(row: tuple[str, str]) -> ReservationKey:
    merchant, reservation = row
    return ReservationKey(merchant=merchant, reservation=reservation)
