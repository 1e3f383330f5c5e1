"""Synced events: what is in Google, for which version, since when, and what blocks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal, not_, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerKind
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.schedule import GRACE_PERIOD
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import is_merchant_synced
from slotsync.store.reservations.drift_rows import close_written
from slotsync.store.reservations.left_events import EventsByKey, leave, make_all_due, make_debtors_due, owe_left
from slotsync.store.reservations.synced_event_rows import (
    ATTEMPT,
    MARK,
    RECORD,
    event_key,
    google_columns,
    with_duplicate_in,
    written_in,
)
from slotsync.store.tables.calendars import OwnerRow
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow


@dataclass(frozen=True)
class SyncedEvent:
    """The state of one event. ``written`` is the event that was last seen in Google, None if it never was there."""

    reservation: str
    key: EventKey
    state: SyncState
    since: datetime
    desired_version: int | None
    last_error: str | None
    written: WrittenEvent | None

    @property
    def written_version(self) -> int | None:
        """The version that was last written to Google, None if none was, or if Google has not said so yet."""
        unanswered = self.written and self.written.present and not self.written.etag
        return self.written.version if self.written and not unanswered else None

    @property
    def link(self) -> str:
        """The address at which a person can see the event in Google; empty if it is not there."""
        return self.written.link if self.written and self.written.present else ""


@dataclass(frozen=True)
class StateCount:
    """The number of events in a state, and since when the oldest of them is in it."""

    count: int
    oldest_since: datetime


def _owner_key(merchant: str, reservation: str, owner: Owner) -> dict[str, object]:
    """Return the columns that are equal in the rows of an owner's events."""
    return {"merchant": merchant, "reservation": reservation, "kind": owner.kind.value, "owner_id": owner.id}


def _event(row: SyncedEventRow) -> SyncedEvent:
    """Return the event in a row."""
    key = EventKey(item=row.item, owner=Owner(kind=OwnerKind(row.kind), id=row.owner_id))
    return SyncedEvent(
        reservation=row.reservation,
        key=key,
        state=SyncState(row.state),
        since=row.since,
        desired_version=row.desired_version,
        last_error=row.last_error,
        written=written_in(row, key),
    )


_TABLE = table_of(SyncedEventRow)


_RESERVATIONS = table_of(ReservationRow)
_SETTLED_STATES = (SyncState.IN_STEP.value, SyncState.DELETED.value, SyncState.NOT_SYNCED.value)

# Built once, since each plan of a reservation reads it.
_SELECT_OF_RESERVATION = (
    select(SyncedEventRow)
    .where(_TABLE.c.merchant == bindparam("merchant"), _TABLE.c.reservation == bindparam("reservation"))
    .order_by(_TABLE.c.item, _TABLE.c.kind, _TABLE.c.owner_id)
)
SAME_RESERVATION = and_(_RESERVATIONS.c.merchant == _TABLE.c.merchant, _RESERVATIONS.c.id == _TABLE.c.reservation)


class SyncedEvents:
    """Stores the state of each event."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mark(  # noqa: PLR0913, PLR0917 - the event, and what to record of it
        self,
        merchant: str,
        reservation: str,
        key: EventKey,
        state: SyncState,
        now: datetime,
        error: str | None = None,
        desired_version: int | None = None,
    ) -> None:
        """Record the state of an event; its columns about Google stay. An older version changes nothing."""
        with self._store.write() as connection:
            MARK.run(
                connection,
                **event_key(merchant, reservation, key),
                state=state.value,
                since=now,
                last_error=error,
                desired_version=desired_version,
            )

    def record(self, merchant: str, reservation: str, written: WrittenEvent, now: datetime) -> None:
        """Record what is in Google now. A version older than the recorded one changes nothing.

        The event is then in step (or deleted), unless a newer version was marked as desired meanwhile. Its drift is
        put right by that.
        """
        state = SyncState.IN_STEP if written.present else SyncState.DELETED
        with self._store.write() as connection:
            close_written(connection, merchant, reservation, written.key, written.version, now)
            RECORD.run(
                connection,
                **event_key(merchant, reservation, written.key),
                **google_columns(written),
                state=state.value,
                since=now,
            )

    def record_attempt(self, merchant: str, reservation: str, uncertain_event: WrittenEvent, now: datetime) -> None:
        """Record that an event is about to be written: until Google answers, it is unknown what Google shows.

        Of an event that exists, only the fingerprint is cleared, so that the next plan acts on it in any case.
        """
        with self._store.write() as connection:
            ATTEMPT.run(
                connection,
                **event_key(merchant, reservation, uncertain_event.key),
                **google_columns(uncertain_event),
                state=SyncState.PENDING.value,
                since=now,
            )

    def add_place(self, merchant: str, reservation: str, key: EventKey, calendar_id: str) -> None:
        """Record another calendar in which the event was found, to look there first."""
        own = update(_TABLE).filter_by(**event_key(merchant, reservation, key))
        with self._store.write() as connection:
            connection.execute(own.values(duplicates_in=with_duplicate_in(calendar_id)))

    def record_plan(
        self, merchant: str, reservation: str, version: int, states: Mapping[EventKey, SyncState], now: datetime
    ) -> None:
        """Record the states of a version's events that have to be written or to wait, in one transaction."""
        rows = [
            {
                **event_key(merchant, reservation, key),
                "state": state.value,
                "since": now,
                "last_error": None,
                "desired_version": version,
            }
            for key, state in states.items()
        ]
        if rows:
            with self._store.write() as connection:
                MARK.run_all(connection, rows)

    def get_written_event(self, merchant: str, reservation: str, key: EventKey) -> WrittenEvent | None:
        """Return the event as it was last seen in Google, or None if it never was there."""
        columns = event_key(merchant, reservation, key)
        with self._store.read() as session:
            row = session.get(SyncedEventRow, tuple(columns.values()))
            return written_in(row, key) if row else None

    def get_deleted(self, merchant: str, reservation: str, owner: Owner) -> list[WrittenEvent]:
        """Return the owner's events that were deleted, in the generations that were seen last."""
        query = select(SyncedEventRow).filter_by(**_owner_key(merchant, reservation, owner), present=False)
        with self._store.read() as session:
            found = (_event(row).written for row in session.exec(query))
            return [each for each in found if each]

    def record_look(self, merchant: str, reservation: str, owner: Owner, version: int, guest_data: GuestData) -> None:
        """Record that the owner's deleted events were looked for at this version and level: none shows more now."""
        deleted = update(_TABLE).filter_by(**_owner_key(merchant, reservation, owner), present=False)
        above = _TABLE.c.guest_data.in_([each.value for each in GuestData if guest_data.shows_less_than(each)])
        with self._store.write() as connection:
            connection.execute(deleted.where(_TABLE.c.written_version < version).values(written_version=version))
            connection.execute(deleted.where(above).values(guest_data=guest_data.value))

    def find_waiting_owners(self, merchant: str, reservation: str) -> list[Owner]:
        """Return the owners without a calendar yet for which events of the reservation wait."""
        query = (
            select(SyncedEventRow.kind, SyncedEventRow.owner_id)
            .where(SyncedEventRow.merchant == merchant, SyncedEventRow.reservation == reservation)
            .where(SyncedEventRow.state == SyncState.WAITING.value)
        )
        with self._store.read() as session:
            return [Owner(kind=OwnerKind(kind), id=owner_id) for kind, owner_id in session.exec(query.distinct())]

    def get_written(self, merchant: str, reservation: str) -> list[WrittenEvent]:
        """Return the events of a reservation that ever were in Google, as they were last seen there."""
        return [event.written for event in self.get_events(merchant, reservation) if event.written]

    def get_events(self, merchant: str, reservation: str) -> list[SyncedEvent]:
        """Return all events of a reservation, in the order of item and owner."""
        own = {"merchant": merchant, "reservation": reservation}
        with self._store.read() as session:
            return [_event(row) for row in session.exec(_SELECT_OF_RESERVATION, params=own)]

    def find_calendars(self, merchant: str, owner: Owner) -> set[str]:
        """Return the ids of the calendars in which events of the owner stand."""
        query = select(SyncedEventRow.calendar_id).where(is_owned_by(merchant, owner), _TABLE.c.present).distinct()
        with self._store.read() as session:
            return {calendar_id for calendar_id in session.exec(query) if calendar_id}

    def find_in(self, merchant: str, calendar_id: str) -> EventsByKey:
        """Return the events that slotsync wrote to a calendar last, by reservation and key; some are deleted."""
        query = _select_events(merchant).where(SyncedEventRow.calendar_id == calendar_id)
        return {(event.reservation, event.key): event.written for event in self._read(query) if event.written}

    def find_present(self, merchant: str, calendar_id: str) -> set[tuple[str, EventKey]]:
        """Return the events that stand in a calendar, by reservation and key."""
        query = _select_events(merchant).where(SyncedEventRow.calendar_id == calendar_id, _TABLE.c.present)
        return {(event.reservation, event.key) for event in self._read(query)}

    def find_gone(self, merchant: str, owner: Owner) -> EventsByKey:
        """Return the owner's events that stood in a calendar once, and do not now as far as is known."""
        query = _select_events(merchant).where(is_owned_by(merchant, owner), _TABLE.c.present.is_(False))
        return {(event.reservation, event.key): event.written for event in self._read(query) if event.written}

    def count_open_states(self, merchant: str, owner: Owner | None, now: datetime) -> dict[SyncState, int]:
        """Return how many events of open reservations are in each state, in this owner's calendar; with None in all."""
        own = is_owned_by(merchant, owner) if owner else _TABLE.c.merchant == merchant
        query = (
            select(SyncedEventRow.state, func.count())
            .join(ReservationRow, SAME_RESERVATION)
            .where(own, is_open(now))
            .group_by(_TABLE.c.state)
        )
        with self._store.read() as session:
            return {SyncState(state): count for state, count in session.exec(query)}

    def mark_calendar_missing(  # noqa: PLR0913  the calendar, and what is known of it
        self,
        merchant: str,
        calendar_id: str,
        now: datetime,
        *,
        may_come_back: bool = True,
        missing: bool = True,
        owed: bool = False,
    ) -> None:
        """Record that Google does not find a calendar: the events in it that are wanted wait for the next one.

        If it may come back one day, since Google does not say whether it was deleted, what it held is remembered.
        It is not ``missing`` if it is of a former account. With ``owed``, what has to go counts as being there; else
        what may have been dragged there does no more.
        """
        present = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
        in_it = select(SyncedEventRow).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
        gone = SyncState.TO_DELETE if owed or not missing else SyncState.DELETED
        still = SyncState.TO_DELETE if owed else SyncState.DELETED
        state = case(
            (or_(_TABLE.c.state == SyncState.TO_DELETE.value, _is_cancelled()), literal(gone.value)),
            (_TABLE.c.state == SyncState.DELETED.value, literal(still.value)),
            else_=literal(SyncState.WAITING.value),
        )
        with self._store.write() as connection:
            found = map(_event, Session(connection).exec(in_it))
            left = [(each.reservation, each.written) for each in found if each.written]
            if missing:
                owe_left(connection, merchant, calendar_id, now, owed=owed)
            if may_come_back:
                leave(connection, merchant, left, now, missing=missing, owed=owed)
            make_all_due(connection, merchant, calendar_id, now)
            connection.execute(present.values(present=False, state=state, since=now, last_error=None))

    def leave_owed(self, merchant: str, owner: Owner, calendar_id: str | None, now: datetime) -> None:
        """Record that the owner's events that have to go from other calendars than this one are left there."""
        is_owed = (_TABLE.c.present, _TABLE.c.state == SyncState.TO_DELETE.value)
        elsewhere = (is_owned_by(merchant, owner), *is_owed, _TABLE.c.calendar_id.is_distinct_from(calendar_id))
        left = update(_TABLE).where(*elsewhere).values(present=False).returning(*_TABLE.c)
        with self._store.write() as connection:
            found = [_event(SyncedEventRow(**row)) for row in connection.execute(left).mappings()]
            written = [(each.reservation, each.written) for each in found if each.written]
            leave(connection, merchant, written, now, missing=False)

    def mark_calendar_deleted(self, merchant: str, calendar_id: str, now: datetime) -> None:
        """Record that a calendar was deleted with all its events."""
        present = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id, present=True)
        deleted = {"present": False, "state": SyncState.DELETED.value, "since": now, "last_error": None}
        with self._store.write() as connection:
            make_debtors_due(connection, merchant, calendar_id, now)
            connection.execute(present.values(deleted))

    def count_states(self, merchant: str) -> dict[SyncState, StateCount]:
        """Return how many events of the merchant are in each state, and since when the oldest of them is."""
        query = (
            select(SyncedEventRow.state, func.count(), func.min(SyncedEventRow.since))
            .where(SyncedEventRow.merchant == merchant)
            .group_by(_TABLE.c.state)
        )
        with self._store.read() as session:
            return {SyncState(state): StateCount(count, oldest) for state, count, oldest in session.exec(query)}

    def _read(self, query: SelectOfScalar[SyncedEventRow]) -> list[SyncedEvent]:
        with self._store.read() as session:
            return [_event(row) for row in session.exec(query)]


def settle_events(connection: Connection, merchant: str, reservation: str, now: datetime, *, debts: bool) -> None:
    """Record that nothing blocks the reservation's events any more: each is right as it is, or was never needed.

    Without ``debts``, those that had to be deleted are gone, wherever they stood.
    """
    own = update(_TABLE).filter_by(merchant=merchant, reservation=reservation)
    state = case((_TABLE.c.present, literal(SyncState.IN_STEP.value)), else_=literal(SyncState.DELETED.value))
    owed = (SyncState.TO_DELETE.value,) if debts else ()
    unsettled = own.where(_TABLE.c.state.not_in((*_SETTLED_STATES, *owed)))
    connection.execute(unsettled.values(state=state, last_error=None, since=now))
    is_on = select(OwnerRow.id).where(
        col(OwnerRow.merchant) == _TABLE.c.merchant,
        col(OwnerRow.kind) == _TABLE.c.kind,
        col(OwnerRow.id) == _TABLE.c.owner_id,
        col(OwnerRow.sync),
        is_merchant_synced(table_of(OwnerRow).c.merchant),
    )
    # What was left out while it was off, and is not there now that it is on, is wanted no more.
    left_out = own.where(_TABLE.c.state == SyncState.NOT_SYNCED.value, is_on.exists())
    connection.execute(left_out.values(state=state, last_error=None, since=now))


def is_owned_by(merchant: str, owner: Owner) -> ColumnElement[bool]:
    """Return the condition for the owner's events, in whichever calendar they stand."""
    return and_(_TABLE.c.merchant == merchant, _TABLE.c.kind == owner.kind.value, _TABLE.c.owner_id == owner.id)


def _is_cancelled() -> ColumnElement[bool]:
    """Return the condition for events of cancelled reservations."""
    cancelled = _RESERVATIONS.c.status == ReservationStatus.CANCELLED.value
    return select(ReservationRow.id).where(SAME_RESERVATION, cancelled).exists()


def is_open(now: datetime) -> ColumnElement[bool]:
    """Return the condition for reservations that are neither cancelled nor over."""
    cancelled = _RESERVATIONS.c.status == ReservationStatus.CANCELLED.value
    return and_(not_(cancelled), _RESERVATIONS.c.ends_at > now - GRACE_PERIOD)


def _select_events(merchant: str) -> SelectOfScalar[SyncedEventRow]:
    return select(SyncedEventRow).where(SyncedEventRow.merchant == merchant)
