"""Account keys: hashes by which accounts are told apart, which nobody can compute who has only the database."""

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, or_, select
from sqlmodel import Session

from slotsync.store.data_keys import DataKeys

_PREFIX: Final = "h1."
_PURPOSE: Final = "slotsync account keys"


def is_former(column: "Column[Any]") -> ColumnElement[bool]:
    """Return the condition that the column has a key that can be computed from Google's id of the account alone."""
    return column.not_like(f"{_PREFIX}%")


def hash_account_key(database: Connection | Session, keys: DataKeys, account_key: str | None) -> str | None:
    """Return the account key as it is stored, an HMAC with a key of this database, or None without a key.

    As long as processes of a former version may run, which compare account keys, it stays as it is.
    """
    if account_key is None or account_key.startswith(_PREFIX):
        return account_key
    hashed = keys.hash(database, account_key, _PURPOSE)
    return f"{_PREFIX}{hashed}" if hashed else account_key


def is_account_in(
    database: Connection | Session,
    keys: DataKeys,
    column: "Column[Any]",
    account_key: str | None,
    *conditions: ColumnElement[bool],
) -> bool:
    """Return whether the column has this account in a row with these conditions; false without a key."""
    wanted = hash_account_key(database, keys, account_key)
    if wanted is None:
        return False
    # A process of a former version may have stored it.
    candidates = or_(column == wanted, is_former(column))
    found = database.execute(select(column).where(*conditions, candidates)).scalars()
    return any(hash_account_key(database, keys, each) == wanted for each in found.all())
