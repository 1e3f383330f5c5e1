"""How a backend drives slotsync."""

from slotsync.rules.owner import GuestData, Owner, OwnerSettings
from slotsync.rules.reservation import Guest, Item, Reservation, ReservationStatus
from starter.client import Reported, Slotsync
from starter.status import EventStanding, Standing

__all__ = [
    "EventStanding",
    "Guest",
    "GuestData",
    "Item",
    "Owner",
    "OwnerSettings",
    "Reported",
    "Reservation",
    "ReservationStatus",
    "Slotsync",
    "Standing",
]
