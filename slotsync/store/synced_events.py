"""The read model: what is in Google, for which version, since when, and what is in the way."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from slotsync.rules.event import EventKey, WrittenEvent
from slotsync.rules.owner import Owner
from slotsync.rules.sync_state import SyncState
from slotsync.store.store import Store
from slotsync.store.synced_event import StateCount, SyncedEvent, event_of, key_of, seen_in_google
from slotsync.store.synced_event_changes import ATTEMPT, MARK, RECORD
from slotsync.store.tables import SyncedEventRow
from slotsync.store.upsert import table_of

_TABLE = table_of(SyncedEventRow)


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
        """Notes that an event is about to be created: from now on it may be there, whether we hear of it or not.

        Changes nothing where an event is known to be.
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

    def waiting_for(self, merchant: str, owner: Owner, limit: int, after: str = "") -> list[str]:
        """The next ids, in their order, of reservations with an event that waits for this owner's calendar."""
        query = (
            select(SyncedEventRow.reservation)
            .where(SyncedEventRow.merchant == merchant, SyncedEventRow.state == SyncState.WAITING.value)
            .where(SyncedEventRow.kind == owner.kind.value, SyncedEventRow.owner_id == owner.id)
            .where(SyncedEventRow.reservation > after)
        )
        with self._store.read() as session:
            return list(session.exec(query.distinct().order_by(_TABLE.c.reservation).limit(limit)))

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


def _of_merchant(merchant: str) -> SelectOfScalar[SyncedEventRow]:
    return select(SyncedEventRow).where(SyncedEventRow.merchant == merchant)
