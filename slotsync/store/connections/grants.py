"""Grants of Google accounts, as they come from Google, and as they rest in rows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row
from sqlmodel import Session

from slotsync.domain.availability.push_channels import Channel
from slotsync.errors import Undecryptable
from slotsync.store.availability.push_channels import find_connection_channels
from slotsync.store.connections.account_keys import is_account_in
from slotsync.store.connections.pending_consents import is_account_chosen, keep_unneeded
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.merchants import find_merchant
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Grant:
    """The number, tokens and scopes of a grant. It has no repr, so that no token is logged by accident."""

    number: int
    refresh_token: str
    access_token: str | None
    expires_at: datetime | None
    scopes: frozenset[str]


@dataclass(frozen=True, repr=False)
class RefusedGrant:
    """A grant that Google refuses. It has no repr, so that no token is logged by accident."""

    connection_id: str
    refresh_token: str


@dataclass(frozen=True, repr=False)
class FormerGrant:
    """A connection's grant that nobody needs any more. It has no repr, so that no token is logged by accident.

    It is kept as a consent with the hash ``key_hash`` until it is ended. Only this grant can stop its ``channels``.
    """

    key_hash: str
    connection_id: str
    grant: Grant
    channels: Sequence[Channel]


@dataclass(frozen=True, repr=False)
class SavedGrant:
    """The connection of a new grant, and the grant of another account that it has replaced, if there was one."""

    connection_id: str
    former: FormerGrant | None


@dataclass(frozen=True, repr=False, kw_only=True)
class NewGrant:
    """A grant as it comes from Google, with its account. It has no repr, so that no token is logged by accident."""

    account_email: str
    account_key: str | None = None
    scopes: frozenset[str]
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None

    @classmethod
    def read(cls, text: str) -> "NewGrant":
        """Return the grant in a text that ``write`` returned."""
        return _GRANT_ADAPTER.validate_json(text)

    def write(self) -> str:
        """Return a text, which has to be encrypted before it is stored."""
        return _GRANT_ADAPTER.dump_json(self).decode()


_GRANT_ADAPTER = TypeAdapter(NewGrant)


def give_up(connection: Connection, keys: DataKeys, row: Row[Any], now: datetime) -> FormerGrant | None:
    """Keep the grant of a connection's row apart until it is ended at Google.

    Return it, with its push channels, or None if there is none, or none that can be read.
    """
    if row.refresh_token is None:
        return None
    try:
        grant = read_grant(connection, keys, row)
    except Undecryptable as error:
        logger.error("a grant of %s cannot be ended, remove it at Google: %s", row.merchant, error)  # noqa: TRY400
        return None
    unneeded = NewGrant(account_email="", scopes=grant.scopes, refresh_token=grant.refresh_token).write()
    key_hash = keep_unneeded(connection, keys, row.merchant, row.account_key, unneeded, now)
    return FormerGrant(key_hash, row.id, grant, find_connection_channels(connection, row.id))


def read_grant(database: Connection | Session, keys: DataKeys, row: ConnectionRow | Row[Any]) -> Grant:
    """Return the grant in a row that has a refresh token.

    Raises:
        Undecryptable: no key fits.
    """
    assert row.refresh_token is not None
    refresh, access = cell(_TABLE.c.refresh_token, row.merchant), cell(_TABLE.c.access_token, row.merchant)
    return Grant(
        number=row.grant_number,
        refresh_token=keys.decrypt(database, refresh, row.refresh_token),
        access_token=keys.decrypt(database, access, row.access_token) if row.access_token else None,
        expires_at=row.access_expires_at,
        scopes=frozenset(row.scopes.split()),
    )


def encrypt_access_token(connection: Connection, keys: DataKeys, connection_id: str, token: str) -> str | None:
    """Return the access token encrypted for this connection, or None if the connection is unknown."""
    merchant = find_merchant(connection, connection_id)
    return keys.for_writing(connection, merchant).encrypt(_TABLE.c.access_token, token) if merchant else None


def is_account_used(session: Session, keys: DataKeys, account_key: str | None, *, except_id: str = "") -> bool:
    """Return whether a grant of the account is needed, except by the connection with this id; false without a key.

    Refused grants are needed, which may work again, those of disconnections under way, which may have calendars to
    delete, and those on which somebody still has to decide.
    """
    # In this order: a consent that is accepted in the meantime is a connection's grant by then.
    if is_account_chosen(session, keys, account_key):
        return True
    kept = (_TABLE.c.refresh_token.is_not(None), _TABLE.c.id != except_id)
    return is_account_in(session, keys, _TABLE.c.account_key, account_key, *kept)
