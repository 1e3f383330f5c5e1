"""Readings of merchants' calendars in the store, without a call to Google."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.database.engine import Store


def pick(store: Store, vault: Vault, merchant: str, product: str, *names: str) -> None:
    """Pick calendars, each with its name in lower case as its id."""
    calendars = [PickableCalendar(id=name.lower(), name=name) for name in names]
    BlockingCalendars(store, vault).replace(merchant, Owner.product(product), calendars)


class ReadingRecorder:
    """Notes what was read of the calendars of one connection."""

    def __init__(self, store: Store, vault: Vault, connection_id: str) -> None:
        self._accounts = WatchedAccounts(store, vault)
        self._readings = BusyReadings(store, vault)
        self._connection_id = connection_id
        self._accounts.add(connection_id)

    def read(
        self, calendar_id: str, span: Interval, at: datetime, busy: Iterable[Interval] = (), *, error: str = ""
    ) -> None:
        """Record a reading that is valid for five minutes, or a failed one with this ``error``."""
        watched_id = self._watched(calendar_id) or self._watch(calendar_id)
        new = NewReading(
            watched_id=watched_id,
            chunk=0,
            interval=span,
            busy=tuple(busy),
            error=error,
            good_for=timedelta(minutes=5),
        )
        self._readings.record(self._connection_id, [new], at)

    def _watch(self, calendar_id: str) -> str:
        self._accounts.add_calendars(self._connection_id, [calendar_id])
        return self._watched(calendar_id)

    def _watched(self, calendar_id: str) -> str:
        known = self._accounts.get_calendars(self._connection_id)
        return next((each.id for each in known if each.calendar_id == calendar_id), "")
