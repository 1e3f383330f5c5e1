"""Synced events: what is in Google, for which version, since when, and what is in the way."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, false, func, not_, null, or_, true, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from slotsync.domain.calendars.owner import ManagedCalendar, Owner, OwnerKind
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.schedule import GRACE_PERIOD
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import Insert, Upsert, since, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow


@dataclass(frozen=True)
class SyncedEvent:
    """How one event is doing. ``written`` is what was last seen in Google; nothing if it never came there."""

    reservation: str
    key: EventKey
    state: SyncState
    since: datetime
    desired_version: int | None
    last_error: str | None
    written: WrittenEvent | None

    @property
    def written_version(self) -> int | None:
        """The version that was last written to Google."""
        return self.written.version if self.written else None

    @property
    def link(self) -> str:
        """Where a person can see it in Google."""
        return self.written.link if self.written else ""


@dataclass(frozen=True)
class StateCount:
    """How many events are in a state, and since when the first of them is."""

    count: int
    oldest_since: datetime


def key_of(merchant: str, reservation: str, key: EventKey) -> dict[str, object]:
    """The columns that say which event a row is about."""
    return {
        "merchant": merchant,
        "reservation": reservation,
        "item": key.item,
        "kind": key.owner.kind.value,
        "owner_id": key.owner.id,
    }


def seen_in_google(written: WrittenEvent) -> dict[str, object]:
    """The columns that say what was seen in Google."""
    return {**written.model_dump(exclude={"key", "version"}), "written_version": written.version}


def event_of(row: SyncedEventRow) -> SyncedEvent:
    """The event that a row is about."""
    key = EventKey(item=row.item, owner=Owner(kind=OwnerKind(row.kind), id=row.owner_id))
    return SyncedEvent(
        reservation=row.reservation,
        key=key,
        state=SyncState(row.state),
        since=row.since,
        desired_version=row.desired_version,
        last_error=row.last_error,
        written=_written(row, key),
    )


def _written(row: SyncedEventRow, key: EventKey) -> WrittenEvent | None:
    if row.written_version is None:
        return None
    seen = row.model_dump(
        include={"calendar_id", "connection_id", "generation", "fingerprint", "etag", "link", "present"}
    )
    return WrittenEvent(key=key, version=row.written_version, **seen)


_TABLE = table_of(SyncedEventRow)
_SEEN = ("calendar_id", "connection_id", "generation", "written_version", "fingerprint", "etag", "link", "present")


def _mark(insert: Insert) -> Insert:
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            "state": new.state,
            "since": since(_TABLE, "state", new.state, new.since),
            "last_error": new.last_error,
            "desired_version": func.coalesce(new.desired_version, _TABLE.c.desired_version),
        },
        where=_unless(_TABLE.c.desired_version > new.desired_version),
    )


def _record(insert: Insert) -> Insert:
    new = insert.excluded
    newer_is_desired = _TABLE.c.desired_version > new.written_version
    reached = case((newer_is_desired, _TABLE.c.state), else_=new.state)
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: new[column] for column in _SEEN},
            "state": reached,
            "since": since(_TABLE, "state", reached, new.since),
            "last_error": case((newer_is_desired, _TABLE.c.last_error), else_=null()),
        },
        where=_unless(_TABLE.c.written_version > new.written_version),
    )


def _attempt(insert: Insert) -> Insert:
    new = insert.excluded
    elsewhere = or_(_TABLE.c.present.is_(false()), _TABLE.c.calendar_id != new.calendar_id)
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: case((elsewhere, new[column]), else_=_TABLE.c[column]) for column in _SEEN},
            "fingerprint": new.fingerprint,
            "state": new.state,
            "since": since(_TABLE, "state", new.state, new.since),
        },
        where=_unless(_TABLE.c.written_version > new.written_version),
    )


def _unless(newer: ColumnElement[bool]) -> ColumnElement[bool]:
    """Unless it is newer for certain: a version that is not known (null) is not."""
    return newer.is_not(true())


MARK = Upsert(_TABLE, _mark)
RECORD = Upsert(_TABLE, _record)
ATTEMPT = Upsert(_TABLE, _attempt)
_RESERVATIONS = table_of(ReservationRow)
_SAME_RESERVATION = and_(_RESERVATIONS.c.merchant == _TABLE.c.merchant, _RESERVATIONS.c.id == _TABLE.c.reservation)


class SyncedEvents:
    """Notes what became of each event."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mark(  # noqa: PLR0913, PLR0917 - the event, and what is to be noted of it
        self,
        merchant: str,
        reservation: str,
        key: EventKey,
        state: SyncState,
        now: datetime,
        error: str | None = None,
        desired_version: int | None = None,
    ) -> None:
        """Notes how an event is doing; what is known of it in Google stays. An older version changes nothing."""
        with self._store.write() as connection:
            MARK.run(
                connection,
                **key_of(merchant, reservation, key),
                state=state.value,
                since=now,
                last_error=error,
                desired_version=desired_version,
            )

    def record(self, merchant: str, reservation: str, written: WrittenEvent, now: datetime) -> None:
        """Notes what stands in Google now. Something older than what is known there changes nothing.

        The event is in step (or deleted) by that, unless a newer version was marked as desired meanwhile.
        """
        state = SyncState.IN_STEP if written.present else SyncState.DELETED
        with self._store.write() as connection:
            RECORD.run(
                connection,
                **key_of(merchant, reservation, written.key),
                **seen_in_google(written),
                state=state.value,
                since=now,
            )

    def attempt(self, merchant: str, reservation: str, unsure: WrittenEvent, now: datetime) -> None:
        """Notes that an event is about to be written: from now on nobody knows what Google shows, until it answers.

        Of an event that is there, only its fingerprint is forgotten, so that the next plan acts on it in any case.
        """
        with self._store.write() as connection:
            ATTEMPT.run(
                connection,
                **key_of(merchant, reservation, unsure.key),
                **seen_in_google(unsure),
                state=SyncState.PENDING.value,
                since=now,
            )

    def known(self, merchant: str, reservation: str) -> list[WrittenEvent]:
        """The events of a reservation that ever were in Google, as they were last seen there."""
        return [event.written for event in self.of_reservation(merchant, reservation) if event.written]

    def of_reservation(self, merchant: str, reservation: str) -> list[SyncedEvent]:
        """Every event of a reservation, by item and owner."""
        query = _of_merchant(merchant).where(SyncedEventRow.reservation == reservation)
        return self._read(query.order_by(_TABLE.c.item, _TABLE.c.kind, _TABLE.c.owner_id))

    def of_merchant(self, merchant: str, states: Collection[SyncState] = tuple(SyncState)) -> list[SyncedEvent]:
        """The events of a merchant that are in one of the states, those first that are so for longest."""
        query = _of_merchant(merchant).where(col(SyncedEventRow.state).in_(states))
        return self._read(query.order_by(_TABLE.c.since, _TABLE.c.reservation, _TABLE.c.item))

    def out_of_step(
        self, merchant: str, calendar: ManagedCalendar, now: datetime, *, limit: int, after: str = ""
    ) -> list[str]:
        """The next ids, in their order, of reservations that wait for this calendar, or are open and wrong in it."""
        waiting = _TABLE.c.state == SyncState.WAITING.value
        query = (
            select(SyncedEventRow.reservation)
            .join(ReservationRow, _SAME_RESERVATION)
            .where(_is_of(merchant, calendar.owner), or_(waiting, and_(_is_open(now), _wrong_in(calendar))))
            .where(SyncedEventRow.reservation > after)
        )
        with self._store.read() as session:
            return list(session.exec(query.distinct().order_by(_TABLE.c.reservation).limit(limit)))

    def open_states(self, merchant: str, owner: Owner, now: datetime) -> dict[SyncState, int]:
        """How many events of open reservations are in each state, in this owner's calendar."""
        query = (
            select(SyncedEventRow.state, func.count())
            .join(ReservationRow, _SAME_RESERVATION)
            .where(_is_of(merchant, owner), _is_open(now))
            .group_by(_TABLE.c.state)
        )
        with self._store.read() as session:
            return {SyncState(state): count for state, count in session.exec(query)}

    def gone_with(self, merchant: str, calendar_id: str, now: datetime) -> None:
        """Notes that a calendar was deleted with all that was in it."""
        there = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
        with self._store.write() as connection:
            connection.execute(there.values(present=False, state=SyncState.DELETED.value, since=now))

    def summary(self, merchant: str) -> dict[SyncState, StateCount]:
        """How many events of the merchant are in each state, and since when the first of them is."""
        query = (
            select(SyncedEventRow.state, func.count(), func.min(SyncedEventRow.since))
            .where(SyncedEventRow.merchant == merchant)
            .group_by(_TABLE.c.state)
        )
        with self._store.read() as session:
            return {SyncState(state): StateCount(count, oldest) for state, count, oldest in session.exec(query)}

    def _read(self, query: SelectOfScalar[SyncedEventRow]) -> list[SyncedEvent]:
        with self._store.read() as session:
            return [event_of(row) for row in session.exec(query)]


def _is_of(merchant: str, owner: Owner) -> ColumnElement[bool]:
    return and_(_TABLE.c.merchant == merchant, _TABLE.c.kind == owner.kind.value, _TABLE.c.owner_id == owner.id)


def _is_open(now: datetime) -> ColumnElement[bool]:
    cancelled = _RESERVATIONS.c.status == ReservationStatus.CANCELLED.value
    return and_(not_(cancelled), _RESERVATIONS.c.ends_at > now - GRACE_PERIOD)


def _wrong_in(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Passed over while sync was off; in a calendar of before; or there, but to be removed."""
    if calendar.settings.sync:
        passed_over = _TABLE.c.state == SyncState.NOT_SYNCED.value
        elsewhere = and_(_TABLE.c.present, _TABLE.c.calendar_id != calendar.calendar_id)
        return or_(passed_over, elsewhere)
    return _TABLE.c.present if calendar.removing else false()


def _of_merchant(merchant: str) -> SelectOfScalar[SyncedEventRow]:
    return select(SyncedEventRow).where(SyncedEventRow.merchant == merchant)
