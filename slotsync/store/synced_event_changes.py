"""How a row of the read model changes: never back to something older."""

from sqlalchemy import ColumnElement, case, false, func, null, or_, true

from slotsync.store.tables import SyncedEventRow
from slotsync.store.upsert import Insert, Upsert, since, table_of

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
