"""Former values: encrypted by the ring itself, and bound to no place. Once none is left, none is taken any more."""

from sqlalchemy import Connection, select, update
from sqlmodel import Session

from slotsync.secrets import PREFIX
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import encrypted_columns
from slotsync.store.tables import METADATA
from slotsync.store.tables.instance import InstanceRow

_INSTANCE = table_of(InstanceRow)
_SELECT_WRITTEN = select(_INSTANCE.c.former_encryption).where(~_INSTANCE.c.former_refused)


def are_written(database: Connection | Session) -> bool:
    """Return whether values are encrypted as formerly, since processes may run that know no data keys."""
    return bool(database.execute(_SELECT_WRITTEN).scalar_one_or_none())


def are_written_until_end(connection: Connection) -> bool:
    """Return whether they are, until the transaction ends: a rotation waits for that, so that none appears later."""
    held = select(_INSTANCE.c.former_encryption).with_for_update(read=True)
    return are_written(connection) and bool(connection.execute(held).scalar_one_or_none())


def are_refused(database: Connection | Session) -> bool:
    """Return whether no former value is taken any more: one that appears was moved, or comes from a backup."""
    return bool(database.execute(select(_INSTANCE.c.former_refused)).scalar_one_or_none())


def end_writing(connection: Connection, *, accept: bool) -> None:
    """Encrypt nothing as formerly any more; with ``accept`` former values are taken until the next rotation ends."""
    accepted = {"former_refused": False} if accept else {}
    connection.execute(update(_INSTANCE).values(former_encryption=False, **accepted))


def refuse_if_none_is_left(connection: Connection) -> None:
    """Record that no former value is taken any more, unless there is one."""
    if not is_any_left(connection):
        connection.execute(update(_INSTANCE).values(former_refused=True))


def is_any_left(connection: Connection) -> bool:
    """Return whether there is any former value."""
    former = (
        select(column).where(column.is_not(None), column.not_like(f"{PREFIX}%")).limit(1)
        for column in encrypted_columns(METADATA)
    )
    return any(connection.execute(query).first() for query in former)
