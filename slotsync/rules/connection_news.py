"""What a connection's workflow is told."""

from slotsync.rules.departure import LeftCalendars
from slotsync.rules.message import Message


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

    calendars: LeftCalendars
