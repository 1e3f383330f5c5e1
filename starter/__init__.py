"""How a backend drives slotsync."""

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus
from starter.client import Reported, Slotsync
from starter.services.status import EventSyncStatus, SyncStatus

__all__ = [
    "Availability",
    "EventSyncStatus",
    "Explanation",
    "Guest",
    "GuestData",
    "Item",
    "Owner",
    "OwnerSettings",
    "Reported",
    "Reservation",
    "ReservationStatus",
    "Slot",
    "SlotState",
    "Slotsync",
    "SyncStatus",
]
