"""How a backend drives slotsync."""

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.explanation import Explanation
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus
from starter.client import Reported, Slotsync
from starter.services.status import EventStanding, Standing

__all__ = [
    "Availability",
    "EventStanding",
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
    "Standing",
]
