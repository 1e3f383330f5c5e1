"""Messages about connections that cross Temporal's border."""

from datetime import datetime

from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectedCalendar
from slotsync.domain.messages import Message


class ConnectionRequest(Message):
    """The merchant of the connection that a request is about."""

    merchant: str


class Granted(Message):
    """The merchant has granted access.

    ``all_anew``: calendars may be gone, so that all work has to be checked, not only work that is parked.
    """

    all_anew: bool = False


class Revoked(Message):
    """The grant is dead, for this reason."""

    reason: str


class Disconnect(Message):
    """The merchant wants to disconnect, with this choice for the calendars that slotsync created."""

    calendars: CalendarChoice


class DisconnectionRequest(Message):
    """The merchant to disconnect, and when the disconnection was requested."""

    merchant: str
    now: datetime


class CalendarDeletion(Message):
    """A calendar that the merchant does not want to keep."""

    merchant: str
    connection_id: str
    calendar: DisconnectedCalendar


class WakeRequest(Message):
    """The request to signal a merchant's workflows: the parked ones, or with ``everyone`` all of them."""

    merchant: str
    everyone: bool = False
