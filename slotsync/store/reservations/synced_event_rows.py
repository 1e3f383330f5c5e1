"""Rows of synced events: their columns, and how each is written without undoing what is newer."""

from sqlalchemy import ColumnElement, case, false, func, literal, null, or_, true

from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.store.database.base import Insert, Upsert, since, table_of
from slotsync.store.tables.reservations import SyncedEventRow

_TABLE = table_of(SyncedEventRow)


def event_key(merchant: str, reservation: str, key: EventKey) -> dict[str, object]:
    """Return the key columns of an event's row."""
    kind, owner_id = key.owner.kind.value, key.owner.id
    return {"merchant": merchant, "reservation": reservation, "item": key.item, "kind": kind, "owner_id": owner_id}


def google_columns(written: WrittenEvent) -> dict[str, object]:
    """Return the columns about the event in Google."""
    columns = written.model_dump(mode="json", exclude={"key", "version", "duplicates_in", "unsearched", "first_format"})
    return {**columns, "written_version": written.version, "duplicates_in": " ".join(written.duplicates_in)}


def with_duplicate_in(calendar_id: str) -> ColumnElement[str]:
    """Return the value of ``duplicates_in`` with one more calendar."""
    return func.trim(func.coalesce(_TABLE.c.duplicates_in, "") + literal(f" {calendar_id}"))


def written_in(row: SyncedEventRow, key: EventKey) -> WrittenEvent | None:
    """Return the event that was last seen in Google, or None if it never was there."""
    if row.written_version is None:
        return None
    columns = row.model_dump(include={*GOOGLE_COLUMNS, "first_format"} - {"written_version", "duplicates_in"})
    return WrittenEvent(
        key=key, version=row.written_version, duplicates_in=tuple((row.duplicates_in or "").split()), **columns
    )


GOOGLE_COLUMNS = (
    "calendar_id",
    "connection_id",
    "generation",
    "written_version",
    "fingerprint",
    "etag",
    "link",
    "present",
    "touched",
    "guest_data",
    "duplicates_in",
)


def _on_mark(insert: Insert) -> Insert:
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            "state": new.state,
            "since": since(_TABLE, "state", new.state, new.since),
            "last_error": new.last_error,
            "desired_version": func.coalesce(new.desired_version, _TABLE.c.desired_version),
        },
        where=_unless_newer(_TABLE.c.desired_version > new.desired_version),
    )


def _on_record(insert: Insert) -> Insert:
    new = insert.excluded
    newer_is_desired = _TABLE.c.desired_version > new.written_version
    reached = case((newer_is_desired, _TABLE.c.state), else_=new.state)
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: new[column] for column in GOOGLE_COLUMNS},
            "state": reached,
            "since": since(_TABLE, "state", reached, new.since),
            "last_error": case((newer_is_desired, _TABLE.c.last_error), else_=null()),
        },
        where=_unless_newer(_TABLE.c.written_version > new.written_version),
    )


def _on_attempt(insert: Insert) -> Insert:
    new = insert.excluded
    elsewhere = or_(_TABLE.c.present.is_(false()), _TABLE.c.calendar_id != new.calendar_id)
    # What is retried stays so, since its first failure, also while an attempt runs.
    state = case((_TABLE.c.state == SyncState.RETRYING.value, _TABLE.c.state), else_=new.state)
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: case((elsewhere, new[column]), else_=_TABLE.c[column]) for column in GOOGLE_COLUMNS},
            "fingerprint": new.fingerprint,
            "state": state,
            "since": since(_TABLE, "state", state, new.since),
        },
        where=_unless_newer(_TABLE.c.written_version > new.written_version),
    )


def _unless_newer(newer: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that it is not certainly newer: an unknown version (null) is not."""
    return newer.is_not(true())


MARK = Upsert(_TABLE, _on_mark)


RECORD = Upsert(_TABLE, _on_record)


ATTEMPT = Upsert(_TABLE, _on_attempt)
