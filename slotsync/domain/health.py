"""The health of workflows, and the blockers that make it worse."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from slotsync.domain.messages import Message
from slotsync.domain.retry_delays import (
    CALENDAR_RECHECK_DELAY,
    ENDED_BY_OPERATOR_DELAY,
    PARKED_RETRY_DELAY,
    REFUSALS,
    retry_delay,
)


class Health(StrEnum):
    """The health of a workflow after its last round; the later in this list, the worse."""

    NEW = "new"
    IN_STEP = "in_step"
    WAITING = "waiting"
    RETRYING = "retrying"
    PARKED = "parked"
    FAILED = "failed"
    STOPPED = "stopped"


class Blocker(Message):
    """The reason why something is not in step, and after how long to try again if no signal comes earlier."""

    health: Health
    reason: str
    look_again: timedelta  # stored name

    @property
    def is_parked(self) -> bool:
        """Return whether it waits for a person."""
        return self.health is Health.PARKED


NO_CALENDAR = Blocker(health=Health.WAITING, reason="calendar", look_again=CALENDAR_RECHECK_DELAY)
"""The managed calendar is being created; its workflow signals when it is there."""

NO_CONNECTION = Blocker(health=Health.PARKED, reason="not_connected", look_again=PARKED_RETRY_DELAY)
"""The merchant has not connected Google, or has disconnected it; a new connection signals."""

NO_SCOPE = Blocker(health=Health.PARKED, reason="insufficientPermissions", look_again=PARKED_RETRY_DELAY)
"""The merchant has not allowed all that writing needs; a new grant signals."""

UNKNOWN_OWNER = Blocker(health=Health.PARKED, reason="unknown_product", look_again=PARKED_RETRY_DELAY)
"""The platform has not put the settings of the product or resource yet; putting them signals."""

OUT_OF_REACH = Blocker(health=Health.WAITING, reason="out_of_reach", look_again=timedelta())
"""An event has to go, but its calendar is off, or of another account; once that is back, its workflow signals."""

STOPPED = Blocker(health=Health.STOPPED, reason="stopped_by_operator", look_again=timedelta())
"""An operator has requested the cancellation of the workflow; a report or ``slotsync resume`` starts it again."""

STOPPED_REASON: Final = "an operator has stopped it"
"""The reason for which a workflow closes at once, in words."""

STAGED_REASON: Final = "staged"
"""The reason for which a calendar is not made yet: others are made before it."""

NO_WRITE_ACCESS_REASON: Final = "requiredAccessLevel"
"""Google's reason for which it refuses to write to a calendar that it shows."""

OVERDUE_WRITE = Blocker(health=Health.RETRYING, reason="slow", look_again=timedelta())
"""Google has not accepted a write for a while; the pending activity in Temporal's UI shows why."""

ENDED_BY_OPERATOR = Blocker(health=Health.RETRYING, reason="ended_by_operator", look_again=ENDED_BY_OPERATOR_DELAY)
"""An operator has failed an activity, by ``temporal activity fail``: it goes on soon."""

GOOGLE_ERRORS: Final = frozenset(
    {
        "BadRequest",
        "CalendarMissing",
        "Conflict",
        "Exists",
        "Gone",
        "GrantLost",
        "NotFound",
        "PushRefused",
        "QuotaExhausted",
        "RateLimited",
        "Refused",
        "ScopeMissing",
        "Transient",
    }
)
"""The names of the classes by which Google's errors are sorted (``slotsync.errors``): another one is an operator's."""

_HEALTH_BY_ERROR: Final[Mapping[str, Health]] = {
    "GrantLost": Health.PARKED,
    "ScopeMissing": Health.PARKED,
    "CalendarMissing": Health.WAITING,
    **dict.fromkeys(REFUSALS, Health.FAILED),
}


def blocker_for_error(error_type: str, reason: str) -> Blocker:
    """Return the blocker for an error of this class (see ``slotsync.errors``): unknown errors are retried."""
    health = _HEALTH_BY_ERROR.get(error_type, Health.RETRYING)
    return Blocker(health=health, reason=reason, look_again=retry_delay(error_type))


def blocker_without_connection(refusal: str | None, *, lacks_scope: bool) -> Blocker:
    """Return what blocks writes without a connection that allows them; ``refusal`` is why Google refuses the grant."""
    if refusal:
        return blocker_for_error("GrantLost", refusal)
    return NO_SCOPE if lacks_scope else NO_CONNECTION


def distinct(blockers: Iterable[Blocker]) -> tuple[Blocker, ...]:
    """Return each blocker once, in the order of their first occurrence."""
    return tuple(dict.fromkeys(blockers))


def worst(blockers: Iterable[Blocker]) -> Blocker | None:
    """Return the blocker with the worst health, or None if there is no blocker."""
    order = list(Health)
    return max(blockers, key=lambda blocker: order.index(blocker.health), default=None)
