"""What was read of watched calendars."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlmodel import Session

from slotsync.clock import utc_now
from slotsync.domain.availability.availability import Reading
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import mark_changed
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.availability import BusyReadingRow, WatchedCalendarRow

_TABLE = table_of(BusyReadingRow)
_CALENDARS = table_of(WatchedCalendarRow)
_TIMES = TypeAdapter(tuple[Interval, ...])

_GOOD = ("starts_at", "ends_at", "read_at", "good_until", "busy")
_BAD = ("error", "failed_at", "failed_from", "failed_to")


class NewReading(Message):
    """What came of reading one watched calendar and one chunk; with an ``error`` nothing did."""

    watched_id: str
    chunk: int
    span: Interval
    busy: tuple[Interval, ...] = ()
    error: str = ""
    good_for: timedelta


def _replace(names: Sequence[str]) -> Callable[[Insert], Insert]:
    def on_conflict(insert: Insert) -> Insert:
        changed = {name: insert.excluded[name] for name in names}
        return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=changed)

    return on_conflict


_READ = Upsert(_TABLE, _replace((*_GOOD, *_BAD)))
_FAILED = Upsert(_TABLE, _replace(_BAD))


class BusyReadings:
    """Keeps readings, and tells them."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def of(self, connection_id: str, calendar_ids: Collection[str]) -> dict[str, list[Reading]]:
        """All that is kept of these calendars, by their ids; nothing of one that was never read."""
        with self._store.read() as session:
            named = self._named(session, connection_id, calendar_ids)
            rows = session.execute(select(_TABLE).where(_TABLE.c.watched_id.in_(named))).mappings().all()
        found: dict[str, list[Reading]] = {}
        for row in rows:
            found.setdefault(named[row["watched_id"]], []).extend(self._readings(BusyReadingRow.model_validate(row)))
        return found

    def record(self, connection_id: str, readings: Sequence[NewReading], at: datetime) -> bool:
        """Keeps what was read from ``at`` on, all together; whether it says anything new."""
        with self._store.write() as connection:
            before = self._before(connection, {each.watched_id for each in readings})
            news = [self._keep(connection, each, before.get((each.watched_id, each.chunk)), at) for each in readings]
            if any(news):
                mark_changed(connection, connection_id, self._clock())
        return any(news)

    def _named(self, session: Session, connection_id: str, calendar_ids: Collection[str]) -> dict[str, str]:
        query = select(_CALENDARS.c.id, _CALENDARS.c.calendar_id).where(_CALENDARS.c.connection_id == connection_id)
        opened = {watched_id: self._vault.decrypt(sealed) for watched_id, sealed in session.execute(query)}
        return {watched_id: calendar_id for watched_id, calendar_id in opened.items() if calendar_id in calendar_ids}

    def _before(self, connection: Connection, watched_ids: set[str]) -> dict[tuple[str, int], BusyReadingRow]:
        found = connection.execute(select(_TABLE).where(_TABLE.c.watched_id.in_(watched_ids))).mappings()
        rows = (BusyReadingRow.model_validate(row) for row in found)
        return {(row.watched_id, row.chunk): row for row in rows}

    def _keep(self, connection: Connection, new: NewReading, before: BusyReadingRow | None, at: datetime) -> bool:
        if before is not None and any(moment and moment > at for moment in (before.read_at, before.failed_at)):
            return False  # whoever read this has slept over its turn: somebody else knows better
        key = {"watched_id": new.watched_id, "chunk": new.chunk}
        if new.error:
            span = {"failed_from": new.span.start, "failed_to": new.span.end}
            _FAILED.run(connection, **key, error=new.error, failed_at=at, **span)
            return before is None or before.error != new.error
        same = before is not None and before.busy is not None and self._times(before.busy) == new.busy
        sealed = before.busy if before and same else self._vault.encrypt(_TIMES.dump_json(new.busy).decode())
        times = {"starts_at": new.span.start, "ends_at": new.span.end, "read_at": at, "good_until": at + new.good_for}
        _READ.run(connection, **key, **times, busy=sealed, **dict.fromkeys(_BAD))
        return not same or (before is not None and bool(before.error)) or _had_expired(before, self._clock())

    def _readings(self, row: BusyReadingRow) -> Iterator[Reading]:
        if row.starts_at and row.ends_at and row.read_at and row.good_until and row.busy is not None:
            span = Interval(start=row.starts_at, end=row.ends_at)
            yield Reading(span=span, read_at=row.read_at, good_until=row.good_until, busy=self._times(row.busy))
        if row.error and row.failed_at and row.failed_from and row.failed_to:
            span = Interval(start=row.failed_from, end=row.failed_to)
            yield Reading(span=span, read_at=row.failed_at, good_until=row.failed_at, error=row.error)

    def _times(self, sealed: str) -> tuple[Interval, ...]:
        return _TIMES.validate_json(self._vault.decrypt(sealed))


def _had_expired(before: BusyReadingRow | None, now: datetime) -> bool:
    """Whether somebody may have looked who did not believe it any more."""
    return before is not None and before.good_until is not None and before.good_until <= now
