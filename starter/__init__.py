"""How a backend drives slotsync."""

from slotsync.rules.availability import Availability, Slot, SlotState
from slotsync.rules.explanation import Explanation
from slotsync.rules.owner import GuestData, Owner, OwnerSettings
from slotsync.rules.reservation import Guest, Item, Reservation, ReservationStatus
from starter.client import Reported, Slotsync
from starter.status import EventStanding, Standing

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
