"""Links to the settings page that were followed. Each opens the page once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from slotsync.clock import utc_now
from slotsync.store.store import Store
from slotsync.store.tables import UsedLinkRow
from slotsync.store.upsert import table_of

REMEMBERED = timedelta(hours=1)
"""How long an expired one is kept: clocks differ, and a link's time is counted in whole seconds."""

_TABLE = table_of(UsedLinkRow)


class UsedLinks:
    """Remembers links for longer than they could be used again."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    def use(self, name: str, expires_at: datetime) -> bool:
        """Whether this is the first time that the link with this name is followed."""
        link_hash = sha256(name.encode()).hexdigest()
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.expires_at < self._clock() - REMEMBERED))
        try:
            with self._store.write() as connection:
                connection.execute(insert(_TABLE).values(link_hash=link_hash, expires_at=expires_at))
        except IntegrityError:
            return False
        return True
