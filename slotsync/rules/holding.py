"""What becomes of an event that could not be written: who has to act, and when to look again. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from slotsync.rules.message import Message
from slotsync.rules.owner import Owner
from slotsync.rules.staging import Turn


class Health(StrEnum):
    """How a workflow is doing, as of its last round; the later in this list, the worse."""

    NEW = "new"
    IN_STEP = "in_step"
    WAITING = "waiting"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"


class Hold(Message):
    """Why something is not in step, and after how long to look again if nobody calls earlier."""

    health: Health
    reason: str
    look_again: timedelta


NO_CALENDAR = Hold(health=Health.WAITING, reason="calendar", look_again=timedelta(minutes=15))
"""Its managed calendar is being made; that workflow calls when it is there."""

NO_CONNECTION = Hold(health=Health.PARKED, reason="not_connected", look_again=timedelta(hours=6))
"""The merchant has not connected Google, or no longer is; connecting calls."""

OVERDUE_WRITE = Hold(health=Health.RETRYING, reason="slow", look_again=timedelta())
"""Google has not taken a write for a while; the pending activity in the UI says why."""

LONGEST_STAGE = timedelta(minutes=15)

_BY_FAILURE = {
    "QuotaExhausted": (Health.RETRYING, timedelta(hours=1)),
    "GrantLost": (Health.PARKED, timedelta(hours=6)),
    "ScopeMissing": (Health.PARKED, timedelta(hours=6)),
    "CalendarMissing": (Health.WAITING, timedelta(seconds=1)),
    "BadRequest": (Health.FAILED, timedelta(hours=6)),
}
_STILL_TRYING = (Health.RETRYING, timedelta(minutes=5))


def hold_after(failure: str, reason: str) -> Hold:
    """What to do about an error of this class (see ``slotsync.errors``): nothing is ever given up."""
    health, look_again = _BY_FAILURE.get(failure, _STILL_TRYING)
    return Hold(health=health, reason=reason, look_again=look_again)


def staged(turn: Turn, now: datetime) -> Hold:
    """Waiting for its turn to get a calendar; looked at again now and then, since who is needed sooner goes first."""
    return Hold(health=Health.WAITING, reason="staged", look_again=min(turn.at - now, LONGEST_STAGE))


def holds_of(without_calendar: Iterable[Owner], without_connection: Iterable[Owner]) -> tuple[Hold, ...]:
    """What owners without a calendar or a connection mean for a reservation."""
    return (*(NO_CALENDAR for _ in without_calendar), *(NO_CONNECTION for _ in without_connection))


def worst(holds: Iterable[Hold]) -> Hold | None:
    """The one that an operator should hear of first; nothing when all is in step."""
    order = list(Health)
    return max(holds, key=lambda hold: order.index(hold.health), default=None)
