"""What crosses Temporal's border about connections."""

from datetime import datetime

from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectedCalendar
from slotsync.domain.messages import Message


class ConnectionRequest(Message):
    """Whose connection."""

    merchant: str


class Granted(Message):
    """A grant is there. ``all_anew``: calendars may be gone, so not only parked work has to look again."""

    all_anew: bool = False


class Revoked(Message):
    """The grant is dead, and why."""

    reason: str


class Disconnect(Message):
    """The merchant wants to disconnect, and this to become of the calendars that slotsync made."""

    calendars: CalendarChoice


class DisconnectionRequest(Message):
    """Who leaves, and when that was asked."""

    merchant: str
    now: datetime


class CalendarDeletion(Message):
    """A calendar that the merchant does not want to keep."""

    merchant: str
    connection_id: str
    calendar: DisconnectedCalendar


class WakeRequest(Message):
    """Whose workflows are called: those that are parked, or all of them."""

    merchant: str
    everyone: bool = False
