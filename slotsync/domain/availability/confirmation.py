"""The answer to whether a time can be booked, with its evidence."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from slotsync.domain.availability.intervals import Interval, merged_intervals
from slotsync.domain.messages import Message

MAX_CONFIRM_WAIT: Final = timedelta(seconds=30)
"""The longest time within which a confirmation may be requested."""


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


class ConfirmResult(Message):
    """The answer, its reason, and when Google was read; None if it was not."""

    answer: Verdict
    checked_at: AwareDatetime | None
    because: str


class ConfirmAnswer(ConfirmResult):
    """The result for a whole question, which took this many parts."""

    parts: int = 1


class Confirmation(ConfirmResult):
    """A result with the evidence of each calendar."""

    evidence: tuple[Evidence, ...] = ()

    @property
    def result(self) -> ConfirmResult:
        """Return the result without the evidence."""
        return ConfirmResult(answer=self.answer, checked_at=self.checked_at, because=self.because)


def combine_evidence(parts: Sequence[Sequence[Evidence]]) -> tuple[Evidence, ...]:
    """Return the evidence of each calendar for the whole of a time, from the evidence for its parts.

    A calendar that could not be read in one part has its error, whatever the others say.
    """
    found: dict[tuple[str, int], list[Evidence]] = {}
    for part in parts:
        names = [each.calendar for each in part]
        for place, each in enumerate(part):
            # Two calendars may have one name; their order is the same in each part.
            found.setdefault((each.calendar, names[:place].count(each.calendar)), []).append(each)
    return tuple(_combine_calendar(each) for each in found.values())


def _combine_calendar(parts: Sequence[Evidence]) -> Evidence:
    error = next((each.error for each in parts if each.error), "")
    busy = merged_intervals(interval for each in parts for interval in each.busy)
    return Evidence(calendar=parts[0].calendar, busy=busy, error=error)


def unknown_confirmation(because: str, at: datetime | None = None) -> Confirmation:
    """Return the answer for a time that could not be checked. Unknown is not free."""
    return Confirmation(answer=Verdict.UNKNOWN, checked_at=at, because=because)
