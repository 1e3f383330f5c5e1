"""The public names of slotsync for a booking platform's backend.

Each name is imported at its first use (PEP 562): the client takes more than a CPU second to import, and the processes
of ``python -m starter`` would pay for it although few of them need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotsync.domain.availability.availability import Availability, Slot, SlotState
    from slotsync.domain.availability.explanation import Explanation
    from slotsync.domain.calendars.owner import GuestData, Owner, OwnerDefaults, OwnerSettings
    from slotsync.domain.merchant import MerchantDetails
    from slotsync.domain.reservations.snapshot import Guest, Item, Reservation, ReservationStatus
    from starter.client import Slotsync
    from starter.services.reports import Reported
    from starter.services.status import EventSyncStatus, SyncStatus

    EventStanding = EventSyncStatus  # public name
    Standing = SyncStatus  # public name

__all__ = [
    "Availability",
    "EventStanding",
    "EventSyncStatus",
    "Explanation",
    "Guest",
    "GuestData",
    "Item",
    "MerchantDetails",
    "Owner",
    "OwnerDefaults",
    "OwnerSettings",
    "Reported",
    "Reservation",
    "ReservationStatus",
    "Slot",
    "SlotState",
    "Slotsync",
    "Standing",  # public name
    "SyncStatus",
]

_MODULES = {
    "Availability": "slotsync.domain.availability.availability",
    "EventSyncStatus": "starter.services.status",
    "Explanation": "slotsync.domain.availability.explanation",
    "Guest": "slotsync.domain.reservations.snapshot",
    "GuestData": "slotsync.domain.calendars.owner",
    "Item": "slotsync.domain.reservations.snapshot",
    "MerchantDetails": "slotsync.domain.merchant",
    "Owner": "slotsync.domain.calendars.owner",
    "OwnerDefaults": "slotsync.domain.calendars.owner",
    "OwnerSettings": "slotsync.domain.calendars.owner",
    "Reported": "starter.services.reports",
    "Reservation": "slotsync.domain.reservations.snapshot",
    "ReservationStatus": "slotsync.domain.reservations.snapshot",
    "Slot": "slotsync.domain.availability.availability",
    "SlotState": "slotsync.domain.availability.availability",
    "Slotsync": "starter.client",
    "SyncStatus": "starter.services.status",
}
_ALIASES = {"EventStanding": "EventSyncStatus", "Standing": "SyncStatus"}  # public names

if not TYPE_CHECKING:  # a type checker would take any name for one of this package

    def __getattr__(name: str) -> object:
        """Import a public name at its first use.

        Raises:
            AttributeError: the package has no such name.
        """
        name = _ALIASES.get(name, name)
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)
