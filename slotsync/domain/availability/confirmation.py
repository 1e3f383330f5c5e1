"""The answer to whether a time can be booked, with its evidence."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message

MAX_CONFIRM_WAIT: Final = timedelta(seconds=30)
"""The longest time within which a confirmation may be requested."""

MAX_CONFIRM_DURATION: Final = timedelta(days=31)
"""The longest time to confirm: with any padding, it still takes one call to Google."""


class Verdict(StrEnum):
    """The answer to whether a time can be booked, by the calendars that block the product."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Evidence(Message):
    """One calendar's busy times, or the error instead. It has no repr, so that no name is logged by accident."""

    calendar: str
    busy: tuple[Interval, ...] = ()
    error: str = ""

    def __repr__(self) -> str:
        return "Evidence(...)"

    __str__ = __repr__


class Confirmation(Message):
    """The answer, its reason, the evidence of each calendar, and when Google was read; None if it was not."""

    answer: Verdict
    checked_at: AwareDatetime | None
    because: str
    evidence: tuple[Evidence, ...] = ()


def unknown_confirmation(because: str, at: datetime | None = None) -> Confirmation:
    """Return the answer for a time that could not be checked. Unknown is not free."""
    return Confirmation(answer=Verdict.UNKNOWN, checked_at=at, because=because)
