"""The calls to Google that all processes of the API make, counted for each connection."""

from datetime import timedelta

from sqlalchemy import select, update

from slotsync.domain.connections.call_limit import pay_call, time_per_call
from slotsync.errors import CallLimitReached
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)


class CallLimits:
    """Limits the calls of the API to its share of Google's quota, beside the workers, which Temporal limits."""

    def __init__(self, store: Store, calls_per_minute: int) -> None:
        self._store = store
        self._price = time_per_call(calls_per_minute)

    def count_call(self, connection_id: str) -> None:
        """Count one call.

        Raises:
            CallLimitReached: there were too many; ``delay`` is when there is room for this one.
        """
        wait = self._pay(connection_id)
        if wait:
            raise CallLimitReached("too many questions at once", reason="too_many_calls", delay=wait)

    def _pay(self, connection_id: str) -> timedelta:
        now = self._store.now()
        own = select(_TABLE.c.calls_paid_until).filter_by(id=connection_id)
        with self._store.write() as connection:
            before = connection.execute(own.with_for_update(key_share=True)).scalar()
            paid_until, wait = pay_call(before, now, self._price)
            if not wait:
                paid = update(_TABLE).filter_by(id=connection_id).values(calls_paid_until=paid_until)
                connection.execute(paid)
            return wait
