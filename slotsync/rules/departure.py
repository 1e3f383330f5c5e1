"""What becomes of a merchant's calendars when Google is disconnected."""

from enum import StrEnum

from slotsync.rules.message import Message
from slotsync.rules.owner import Owner


class LeftCalendars(StrEnum):
    """What the merchant wants to become of the calendars that slotsync made."""

    KEEP = "keep"
    DELETE = "delete"


class LeftCalendar(Message):
    """A calendar that slotsync made."""

    owner: Owner
    calendar_id: str


class Departure(Message):
    """A connection on its way out.

    ``alive``: its grant may still work; ``shared``: another merchant connected the same Google account.
    """

    connection_id: str
    alive: bool
    shared: bool
    calendars: tuple[LeftCalendar, ...] = ()


class Farewell(Message):
    """What a disconnection did, and what it left behind in Google; ``notes`` say it in plain words."""

    deleted: tuple[Owner, ...] = ()
    left: tuple[Owner, ...] = ()
    grant_ended: bool = False
    notes: tuple[str, ...] = ()
