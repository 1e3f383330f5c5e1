"""Revocations at Google: those under way, and those of a short time ago, which may have ended a newer grant, too.

Google ends all grants of an account together. Who revokes one records that first, and then looks whether another one
is needed. Who stores a new one looks for revocations afterwards. So one of the two sees the other, and no transaction
stays open while Google answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import delete, insert, select, update

from slotsync.secrets import Vault
from slotsync.store.connections.account_keys import hash_account_key
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store, read_clock
from slotsync.store.tables.connections import AccountRevocationRow

MAX_REVOCATION_TIME: Final = timedelta(minutes=2)
"""Longer than Google may take. A revocation of a process that died counts as under way for no longer than this."""

REVOCATION_RETENTION: Final = timedelta(hours=1)
"""Longer than a grant takes from Google to the database."""

_TABLE = table_of(AccountRevocationRow)


class Revocations:
    """Stores revocations. All times are by the database's clock, which is one for all processes."""

    def __init__(self, store: Store, vault: Vault, longest: timedelta = MAX_REVOCATION_TIME) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._longest = longest

    @contextmanager
    def under_way(self, account_key: str | None) -> Iterator[None]:
        """Record that a grant of the account may be revoked within the block; of any account without a key."""
        revocation = str(uuid4())
        with self._store.write() as connection:
            hashed = hash_account_key(connection, self._keys, account_key)
            until = read_clock(connection) + self._longest
            connection.execute(insert(_TABLE).values(id=revocation, account_key=hashed, until=until))
        try:
            yield
        finally:
            with self._store.write() as connection:
                own = update(_TABLE).filter_by(id=revocation)
                connection.execute(own.values(until=read_clock(connection)))

    def get_last_end(self, account_key: str | None, since: datetime) -> datetime | None:
        """Return when the last revocation that may have ended a grant given since this time ends, or ended.

        None if there is none; a time to come if one is under way.
        """
        with self._store.read() as session:
            wanted = hash_account_key(session, self._keys, account_key)
            late = session.execute(select(_TABLE.c.account_key, _TABLE.c.until).where(_TABLE.c.until >= since)).all()
            ends = (
                row.until for row in late if hash_account_key(session, self._keys, row.account_key) in {None, wanted}
            )
            return max(ends, default=None)

    def forget_old(self) -> None:
        """Delete the revocations that can have ended no grant that is still to be stored."""
        with self._store.write() as connection:
            old = _TABLE.c.until < read_clock(connection) - REVOCATION_RETENTION
            connection.execute(delete(_TABLE).where(old))
