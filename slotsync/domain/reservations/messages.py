"""Messages about reservations that cross Temporal's border: ids, versions, times, states and reasons."""

from datetime import datetime, timedelta
from enum import StrEnum

from slotsync.domain.health import Blocker, Health
from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import EventKey
from slotsync.domain.reservations.schedule import MAX_DEBOUNCE


class ReservationKey(Message):
    """The reservation that a request is about."""

    merchant: str
    reservation: str


class Wave(Message):
    """The position within a round of this version: the last event of the waves so far, and what blocks some of them."""

    version: int
    after: EventKey
    blockers: tuple[Blocker, ...] = ()


class ReservationState(ReservationKey):
    """The state that the workflow starts with, and passes on when it continues as new."""

    writes: tuple[datetime, ...] = ()
    wave: Wave | None = None


class ReportedVersion(Message):
    """The version that was stored by a report."""

    version: int


class RoundRequest(ReservationKey):
    """The request to plan a wave of the round at ``now``: the events after this one, or the first ones.

    A newer version than the round's begins with the first ones, too.
    """

    now: datetime
    after: EventKey | None = None
    version: int | None = None


class WriteKind(StrEnum):
    """The kinds of writes."""

    PUT = "put"
    DELETE = "delete"
    LOOK = "look for restored events of"


class PlannedWrite(Message):
    """A write of one event, through this connection, which probably takes this number of calls to Google."""

    kind: WriteKind
    key: EventKey
    connection_id: str
    calls: int = 1


class RoundPlan(Message):
    """The plan of a wave, by the newest stored version, None if there is nothing to do any more.

    ``more``: there are further waves. ``owners`` are names for search attributes, as many as fit into
    one. ``closes_at`` is when no more change is expected. ``debts``: events that have to go are out of reach.
    ``max_debounce``: changes that follow are combined for no longer. ``given_up``: the reservation is over for
    long, and events of it could not be written; it waits no more for its merchant. ``seen_due`` is since when the
    reservation was due when the plan was made, None if it was not.
    """

    version: int | None
    closing_reason: str = ""
    grant_number: int = 0
    writes: tuple[PlannedWrite, ...] = ()
    more: bool = False
    blockers: tuple[Blocker, ...] = ()
    needs_calendars: bool = False
    debts: bool = False
    owners: tuple[str, ...] = ()
    starts_at: datetime | None = None
    closes_at: datetime | None = None
    max_debounce: timedelta = MAX_DEBOUNCE
    given_up: bool = False
    seen_due: datetime | None = None


class EventRequest(ReservationKey):
    """The event to put or to delete as the newest stored snapshot wants it. ``version`` is the planned one."""

    key: EventKey
    version: int


class WriteResult(Message):
    """The version that was written; ``changed`` is false if the newest snapshot no longer wanted this write."""

    version: int
    changed: bool = True


class BlockedEvent(Message):
    """An event that could not be brought in step, and why."""

    key: EventKey
    blocker: Blocker


class WaveResult(ReservationKey):
    """The result of a wave; ``settled`` if it was the last one and nothing is blocked.

    ``debts``: events that have to go are out of reach, so that the version is not settled all the same.
    ``due_at`` is when the workflow will have looked again, None if nothing is left to do. ``seen_due`` is the plan's.
    """

    version: int
    grant_number: int
    blocked: tuple[BlockedEvent, ...]
    settled: bool
    debts: bool = False
    due_at: datetime | None
    seen_due: datetime | None = None
    now: datetime


class StopRequest(ReservationKey):
    """The request to record that an operator has stopped the reservation's workflow.

    ``version`` is the newest of which it knew then, None if it knew none.
    """

    version: int | None = None
    now: datetime


class Progress(Message):
    """The version that was planned last, else first reported; the workflow's health; what it does now."""

    version: int | None
    health: Health
    doing: str
