"""What crosses Temporal's border about reservations."""

from datetime import datetime

from temporalio import workflow

from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.health import Blocker
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent
from slotsync.domain.reservations.snapshot import Reservation

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.health import Health
    from slotsync.domain.messages import Message
    from slotsync.domain.reservations.snapshot import Reservation


class Put(Message):
    """Make this event stand in Google; ``known`` is what was last seen in its place."""

    event: DesiredEvent
    known: WrittenEvent | None = None

    @property
    def key(self) -> EventKey:
        """Which event of the reservation."""
        return self.event.key


class Delete(Message):
    """Take this event out of Google."""

    merchant: str
    reservation: str
    version: int
    written: WrittenEvent

    @property
    def key(self) -> EventKey:
        """Which event of the reservation."""
        return self.written.key


Action = Put | Delete


class RoundRequest(Message):
    """The state that is about to be driven for."""

    reservation: Reservation
    now: datetime


class RoundInputs(Message):
    """What a round stands on. ``newest`` is false when a newer version is known: then there is nothing to do."""

    newest: bool
    calendars: tuple[ManagedCalendar, ...] = ()
    applied: tuple[WrittenEvent, ...] = ()


class BlockedEvent(Message):
    """An event that could not be brought in step."""

    key: EventKey
    hold: Blocker


class RoundResult(Message):
    """How a round ended."""

    merchant: str
    reservation: str
    version: int
    held: tuple[BlockedEvent, ...]
    settled: bool
    now: datetime


class ReservationState(Message):
    """What a run hands to the next one."""

    newest: Reservation | None = None
    writes: tuple[datetime, ...] = ()


class Progress(Message):
    """What the workflow knows and does right now."""

    version: int | None
    health: Health
    doing: str


class LookAgainRequest(Message):
    """Reservations of one merchant that shall look again."""

    merchant: str
    reservations: tuple[str, ...]
