"""Account keys: hashes by which accounts are told apart, which nobody can compute who has only the database."""

from typing import Final

from sqlalchemy import Connection, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session

from slotsync.domain.connections.connection import ConnectionState
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_PREFIX: Final = "h1."
_PURPOSE: Final = "slotsync account keys"

IS_FORMER: Final = _TABLE.c.account_key.not_like(f"{_PREFIX}%")
"""The condition that a connection has an account key, which can be computed from Google's id of the account alone."""


def hash_account_key(database: Connection | Session, keys: DataKeys, account_key: str | None) -> str | None:
    """Return the account key as it is stored: an HMAC with a key of this database.

    As long as processes of a former version may run, which compare account keys, it stays as it is.
    """
    if account_key is None or account_key.startswith(_PREFIX):
        return account_key
    hashed = keys.hash(database, account_key, _PURPOSE)
    return f"{_PREFIX}{hashed}" if hashed else account_key


def is_account_used(session: Session, keys: DataKeys, account_key: str | None, *, except_id: str = "") -> bool:
    """Return whether any active connection, except the one with this id, is to the account; false without a key."""
    wanted = hash_account_key(session, keys, account_key)
    if wanted is None:
        return False
    active = (_TABLE.c.state == ConnectionState.ACTIVE.value, _TABLE.c.id != except_id)
    # A process of a former version may have connected it.
    candidates = or_(_TABLE.c.account_key == wanted, IS_FORMER)
    found = session.execute(select_columns(_TABLE.c.account_key).where(*active, candidates)).scalars()
    return any(hash_account_key(session, keys, each) == wanted for each in found.all())
