"""The store: what slotsync remembers, in SQLite or PostgreSQL."""

from slotsync.store.calendar_permits import CalendarPermits
from slotsync.store.calendars import Calendars
from slotsync.store.connections import Connections, Grant
from slotsync.store.owners import Owners
from slotsync.store.reservations import NotedReservation, Reservations
from slotsync.store.store import Store
from slotsync.store.synced_event import StateCount, SyncedEvent
from slotsync.store.synced_events import SyncedEvents

__all__ = [
    "CalendarPermits",
    "Calendars",
    "Connections",
    "Grant",
    "NotedReservation",
    "Owners",
    "Reservations",
    "StateCount",
    "Store",
    "SyncedEvent",
    "SyncedEvents",
]
