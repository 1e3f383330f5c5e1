"""Who refreshes a connection's token: one at a time, over all threads and processes.

A lease is a column with an end, not a lock: no transaction waits while Google is asked, and who dies holds up nobody.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, update

from slotsync.clock import utc_now
from slotsync.store.store import Store
from slotsync.store.tables import ConnectionRow
from slotsync.store.upsert import table_of

_TABLE = table_of(ConnectionRow)


class RefreshLeases:
    """Hands out leases to refresh."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock

    def take(self, connection_id: str, holder: str, lasts: timedelta) -> bool:
        """Whether this holder may refresh now, for so long at most."""
        now = self._clock()
        free = or_(_TABLE.c.lease_until.is_(None), _TABLE.c.lease_until <= now)
        lease = update(_TABLE).where(_TABLE.c.id == connection_id, free)
        with self._store.write() as connection:
            taken = connection.execute(lease.values(lease_holder=holder, lease_until=now + lasts))
            return taken.rowcount == 1

    def give_back(self, connection_id: str, holder: str) -> None:
        """Ends the lease, if it is still this holder's."""
        own = (_TABLE.c.id == connection_id, _TABLE.c.lease_holder == holder)
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*own).values(lease_holder=None, lease_until=None))
