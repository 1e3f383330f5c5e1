"""How a workflow is doing, what blocks it, and after how long to look again."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from slotsync.domain.messages import Message


class Health(StrEnum):
    """How a workflow is doing, as of its last round; the later in this list, the worse."""

    NEW = "new"
    IN_STEP = "in_step"
    WAITING = "waiting"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"


class Blocker(Message):
    """Why something is not in step, and after how long to look again if nobody calls earlier."""

    health: Health
    reason: str
    look_again: timedelta


NO_CALENDAR = Blocker(health=Health.WAITING, reason="calendar", look_again=timedelta(minutes=15))
"""Its managed calendar is being made; that workflow calls when it is there."""

NO_CONNECTION = Blocker(health=Health.PARKED, reason="not_connected", look_again=timedelta(hours=6))
"""The merchant has not connected Google, or no longer is; connecting calls."""

OVERDUE_WRITE = Blocker(health=Health.RETRYING, reason="slow", look_again=timedelta())
"""Google has not taken a write for a while; the pending activity in the UI says why."""


def worst(holds: Iterable[Blocker]) -> Blocker | None:
    """The one that an operator should hear of first; nothing when all is in step."""
    order = list(Health)
    return max(holds, key=lambda hold: order.index(hold.health), default=None)
