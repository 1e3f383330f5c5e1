"""Grants of erased merchants, kept without any other trace of them until Google has ended these grants.

They were given during the erasure, or their accounts were used by others, who would have lost their grants with them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import delete, func, insert, select, update

from slotsync.clock import utc_now
from slotsync.secrets import Vault
from slotsync.store.connections.account_keys import hash_account_key
from slotsync.store.connections.grants import NewGrant
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import INSTANCE, cell
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import UnkeptGrantRow

MAX_AGE: Final = timedelta(days=184)
"""Google ends a grant by itself that was not used for six months: developers.google.com/identity/protocols/oauth2."""

_TABLE = table_of(UnkeptGrantRow)


class ErasedMerchantGrants:
    """Stores grants of erased merchants, encrypted with the instance's key: an erasure deletes that of the merchant."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock

    def put(self, grant: NewGrant) -> str:
        """Store what is needed to end the grant, and nothing else of it; return the id by which it is known."""
        grant_id = uuid4().hex
        needed = NewGrant(
            account_email="", account_key=grant.account_key, scopes=frozenset(), refresh_token=grant.refresh_token
        )
        with self._store.write() as connection:
            own = self._keys.for_writing(connection, INSTANCE)
            secret = own.encrypt(_TABLE.c.secret, needed.write(), id=grant_id)
            connection.execute(insert(_TABLE).values(id=grant_id, secret=secret, given_at=self._clock()))
        return grant_id

    def find(self) -> list[str]:
        """Return the ids of all, those first for which Google was not asked for longest; forget the oldest."""
        query = select(_TABLE.c.id).order_by(func.coalesce(_TABLE.c.tried_at, _TABLE.c.given_at))
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.given_at < self._clock() - MAX_AGE))
            return [*connection.execute(query).scalars()]

    def get(self, grant_id: str) -> NewGrant | None:
        """Return the grant with this id, or None if it has ended.

        Raises:
            Undecryptable: no key fits.
        """
        query = select(_TABLE.c.secret).where(_TABLE.c.id == grant_id)
        with self._store.read() as session:
            secret = session.execute(query).scalar_one_or_none()
            place = cell(_TABLE.c.secret, INSTANCE, id=grant_id)
            return NewGrant.read(self._keys.decrypt(session, place, secret)) if secret else None

    def is_of_account(self, grant: NewGrant, account_key: str | None) -> bool:
        """Return whether the grant is of the account with this key, false without a key."""
        with self._store.read() as session:
            keys = {hash_account_key(session, self._keys, each) for each in (grant.account_key, account_key)}
        return len(keys) == 1 and None not in keys

    def record_try(self, grant_id: str) -> None:
        """Record that Google was asked to end the grant now, and did not."""
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.id == grant_id).values(tried_at=self._clock()))

    def forget(self, grant_id: str) -> None:
        """Delete a grant that has ended."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == grant_id))
