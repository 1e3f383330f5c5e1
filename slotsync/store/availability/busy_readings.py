"""Busy readings: the times that were read of watched calendars."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlmodel import Session

from slotsync.clock import utc_now
from slotsync.domain.availability.availability import Reading, differ
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message
from slotsync.secrets import Vault, is_of_data_key
from slotsync.store.availability.push_channels import doubt_channels
from slotsync.store.availability.watched_accounts import decrypt_calendar_ids, mark_changed
from slotsync.store.data_keys import DataKeys, MerchantKey
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell, merchant_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import find_merchant
from slotsync.store.tables.availability import BusyReadingRow

_TABLE = table_of(BusyReadingRow)
_TIMES = TypeAdapter(tuple[Interval, ...])

_SUCCESS_COLUMNS = ("starts_at", "ends_at", "read_at", "good_until", "busy")
_FAILURE_COLUMNS = ("error", "failed_at", "failed_from", "failed_to", "failing_since", "call_failed")


class NewReading(Message):
    """The result of reading one watched calendar and one chunk; with an ``error`` nothing was read.

    ``call_failed``: the error is that of the whole call, which says nothing of the calendar: the last good reading
    stays valid, but no longer than ``good_for`` after the first failure.
    """

    watched_id: str
    chunk: int
    interval: Interval
    busy: tuple[Interval, ...] = ()
    error: str = ""
    call_failed: bool = False
    good_for: timedelta


def _replace(names: Sequence[str]) -> Callable[[Insert], Insert]:
    def on_conflict(insert: Insert) -> Insert:
        changed = {name: insert.excluded[name] for name in names}
        return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=changed)

    return on_conflict


_PUT_SUCCESS = Upsert(_TABLE, _replace((*_SUCCESS_COLUMNS, *_FAILURE_COLUMNS)))
_PUT_FAILURE = Upsert(_TABLE, _replace((*_FAILURE_COLUMNS, "good_until")))


@dataclass(frozen=True)
class _Stored:
    """A row with its last good reading, None if none succeeded."""

    row: BusyReadingRow
    last: Reading | None


class BusyReadings:
    """Stores the readings, encrypted."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock

    def get_readings(
        self, connection_id: str, calendar_ids: Collection[str], now: datetime
    ) -> dict[str, list[Reading]]:
        """Return all readings of these calendars, by calendar id; calendars that were never read are left out.

        The failure of a whole call is one of them only once the last reading is too old at ``now``.
        """
        with self._store.read() as session:
            ids = self._calendar_ids(session, connection_id, calendar_ids)
            stored = self._read(session.connection(), ids)
        found: dict[str, list[Reading]] = {}
        for each in stored.values():
            found.setdefault(ids[each.row.watched_id], []).extend(_readings(each, now))
        return found

    def record(self, connection_id: str, readings: Sequence[NewReading], at: datetime) -> bool:
        """Store readings that began at ``at``, all or none of them; return whether they contain anything new."""
        with self._store.write() as connection:
            merchant = find_merchant(connection, connection_id)
            if merchant is None:
                return False
            own = self._keys.for_writing(connection, merchant)
            before = self._read(connection, {each.watched_id for each in readings})
            stored = [(each, before.get((each.watched_id, each.chunk))) for each in readings]
            changes = [self._put(connection, own, each, last, at) for each, last in stored]
            if any(changes):
                mark_changed(connection, connection_id, self._clock())
        return any(changes)

    def _calendar_ids(self, session: Session, connection_id: str, wanted: Collection[str]) -> dict[str, str]:
        decrypted = decrypt_calendar_ids(session, self._keys, connection_id)
        return {watched_id: calendar_id for watched_id, calendar_id in decrypted.items() if calendar_id in wanted}

    def _read(self, connection: Connection, watched_ids: Collection[str]) -> dict[tuple[str, int], _Stored]:
        query = select(_TABLE, merchant_of(_TABLE).label("merchant")).where(_TABLE.c.watched_id.in_(watched_ids))
        stored = [
            self._decrypted(connection, found["merchant"], BusyReadingRow.model_validate(found))
            for found in connection.execute(query).mappings().all()
        ]
        return {(each.row.watched_id, each.row.chunk): each for each in stored}

    def _decrypted(self, connection: Connection, merchant: str, row: BusyReadingRow) -> _Stored:
        if not (row.starts_at and row.ends_at and row.read_at and row.good_until and row.busy is not None):
            return _Stored(row, None)
        place = cell(_TABLE.c.busy, merchant, watched_id=row.watched_id, chunk=row.chunk)
        busy = _TIMES.validate_json(self._keys.decrypt(connection, place, row.busy))
        interval = Interval(start=row.starts_at, end=row.ends_at)
        return _Stored(row, Reading(interval=interval, read_at=row.read_at, good_until=row.good_until, busy=busy))

    def _put(
        self, connection: Connection, own: MerchantKey, new: NewReading, stored: _Stored | None, at: datetime
    ) -> bool:
        before, last = (stored.row, stored.last) if stored else (None, None)
        if before is not None and any(moment and moment > at for moment in (before.read_at, before.failed_at)):
            return False  # its reader was slow and lost its lease; another one has stored a newer reading
        if new.error:
            return self._put_failure(connection, new, before, at)
        if last and differ(last, new.interval, new.busy):
            doubt_channels(connection, new.watched_id, last.read_at, at)
        same = last is not None and last.busy == new.busy
        kept = before.busy if before and same and is_of_data_key(before.busy) else None
        encrypted = kept or own.encrypt(_TABLE.c.busy, _TIMES.dump_json(new.busy).decode(), **_key(new))
        interval = {"starts_at": new.interval.start, "ends_at": new.interval.end}
        times = {**interval, "read_at": at, "good_until": at + new.good_for}
        _PUT_SUCCESS.run(connection, **_key(new), **times, busy=encrypted, **dict.fromkeys(_FAILURE_COLUMNS))
        return not same or (before is not None and bool(before.error)) or _had_expired(before, self._clock())

    def _put_failure(
        self, connection: Connection, new: NewReading, before: BusyReadingRow | None, at: datetime
    ) -> bool:
        """Store the failure. An error of the calendar itself is not undone by later failures of whole calls."""
        failing = before if before is not None and before.error else None
        call_failed = new.call_failed and (failing is None or bool(failing.call_failed))
        failing_since = (failing.failing_since if failing else None) or at
        valid_until = before.good_until if before else None
        good_until = valid_until and min(valid_until, failing_since + new.good_for)
        _PUT_FAILURE.run(
            connection,
            **_key(new),
            error=new.error,
            failed_at=at,
            failed_from=new.interval.start,
            failed_to=new.interval.end,
            failing_since=failing_since,
            call_failed=call_failed,
            good_until=good_until,
        )
        known = (failing.error, failing.call_failed, valid_until) if failing else None
        return known != (new.error, call_failed, good_until)


def _readings(stored: _Stored, now: datetime) -> Iterator[Reading]:
    row, last = stored.row, stored.last
    if last:
        yield last
    if row.call_failed and last and last.is_current(now):
        return
    if row.error and row.failed_at and row.failed_from and row.failed_to:
        interval = Interval(start=row.failed_from, end=row.failed_to)
        yield Reading(
            interval=interval,
            read_at=row.failed_at,
            good_until=row.failed_at,
            error=row.error,
            call_failed=bool(row.call_failed),
        )


def _key(new: NewReading) -> dict[str, object]:
    return {"watched_id": new.watched_id, "chunk": new.chunk}


def _had_expired(before: BusyReadingRow | None, now: datetime) -> bool:
    """Return whether the reading had expired, so that its times may have been published as unknown."""
    return before is not None and before.good_until is not None and before.good_until <= now
