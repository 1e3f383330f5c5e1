"""The read model: what is in Google, for which version, since when, and what is in the way."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from slotsync.rules.event import EventKey, WrittenEvent
from slotsync.rules.owner import ManagedCalendar, Owner
from slotsync.rules.reservation import ReservationStatus
from slotsync.rules.sync_state import SyncState
from slotsync.rules.timing import GRACE
from slotsync.store.store import Store
from slotsync.store.synced_event import StateCount, SyncedEvent, event_of, key_of, seen_in_google
from slotsync.store.synced_event_changes import ATTEMPT, MARK, RECORD
from slotsync.store.tables import ReservationRow, SyncedEventRow
from slotsync.store.upsert import table_of

_TABLE = table_of(SyncedEventRow)
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
    return and_(not_(cancelled), _RESERVATIONS.c.ends_at > now - GRACE)


def _wrong_in(calendar: ManagedCalendar) -> ColumnElement[bool]:
    """Passed over while sync was off; in a calendar of before; or there, but to be removed."""
    if calendar.settings.sync:
        passed_over = _TABLE.c.state == SyncState.NOT_SYNCED.value
        elsewhere = and_(_TABLE.c.present, _TABLE.c.calendar_id != calendar.calendar_id)
        return or_(passed_over, elsewhere)
    return _TABLE.c.present if calendar.removing else false()


def _of_merchant(merchant: str) -> SelectOfScalar[SyncedEventRow]:
    return select(SyncedEventRow).where(SyncedEventRow.merchant == merchant)
