"""Messages about reservations that cross Temporal's border."""

from datetime import datetime

from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.health import Blocker, Health
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent
from slotsync.domain.reservations.snapshot import Reservation


class Put(Message):
    """The action to write this event to Google; ``known`` is the event that was last seen in its place."""

    event: DesiredEvent
    known: WrittenEvent | None = None

    @property
    def key(self) -> EventKey:
        """The key of the event within its reservation."""
        return self.event.key


class Delete(Message):
    """The action to delete this event from Google."""

    merchant: str
    reservation: str
    version: int
    written: WrittenEvent

    @property
    def key(self) -> EventKey:
        """The key of the event within its reservation."""
        return self.written.key


Action = Put | Delete


class RoundRequest(Message):
    """The desired state of the next round."""

    reservation: Reservation
    now: datetime


class RoundInputs(Message):
    """The inputs of a round. ``newest`` is false if a newer version is known: then there is nothing to do."""

    newest: bool
    calendars: tuple[ManagedCalendar, ...] = ()
    applied: tuple[WrittenEvent, ...] = ()


class BlockedEvent(Message):
    """An event that could not be brought in step, and why."""

    key: EventKey
    hold: Blocker  # stored name


class RoundResult(Message):
    """The result of a round."""

    merchant: str
    reservation: str
    version: int
    held: tuple[BlockedEvent, ...]  # stored name
    settled: bool
    now: datetime


class ReservationState(Message):
    """The state that the workflow passes on when it continues as new."""

    newest: Reservation | None = None
    writes: tuple[datetime, ...] = ()


class Progress(Message):
    """The workflow's newest version, its health, and what it does right now."""

    version: int | None
    health: Health
    doing: str


class LookAgainRequest(Message):
    """The reservations of one merchant that have to be compared with Google again."""

    merchant: str
    reservations: tuple[str, ...]
