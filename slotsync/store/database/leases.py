"""Leases in a table: the process that may do something now, and until when.

A lease is a column with an end, not a lock: no transaction stays open while Google answers, and a process that dies
holds up the others only until its lease ends.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, or_, update

from slotsync.clock import utc_now
from slotsync.store.database.engine import Store


class Leases:
    """The leases of the rows of one table, which has the columns ``lease_holder`` and ``lease_until``."""

    def __init__(self, store: Store, table: Table, key: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._table = table
        self._key = table.c[key]
        self._clock = clock

    def acquire(self, name: str, holder: str, duration: timedelta) -> bool:
        """Return whether the holder has the lease of this row from now on, for this duration at most."""
        now = self._clock()
        free = or_(self._table.c.lease_until.is_(None), self._table.c.lease_until <= now)
        return self._set(self._key == name, free, lease_holder=holder, lease_until=now + duration)

    def renew(self, name: str, holder: str, duration: timedelta) -> None:
        """Extend the holder's lease to this duration from now, if it is still the holder's."""
        self._set(*self._own(name, holder), lease_until=self._clock() + duration)

    def release(self, name: str, holder: str) -> None:
        """End the lease, if it is still the holder's."""
        self._set(*self._own(name, holder), lease_holder=None, lease_until=None)

    def _own(self, name: str, holder: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return self._key == name, self._table.c.lease_holder == holder

    def _set(self, *where: ColumnElement[bool], **values: object) -> bool:
        with self._store.write() as connection:
            return connection.execute(update(self._table).where(*where).values(**values)).rowcount == 1
