"""Calendars that may block a product, and the rule by which they do."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import OnUnknown, OwnerSettings
from slotsync.domain.messages import Message

CALENDAR_MARK = "slotsync:"
"""The beginning of the line that slotsync writes in the description of each calendar that it creates."""


class PickableCalendar(Message):
    """A calendar that a merchant may pick. It has no repr, so that its name is never logged by accident."""

    id: str
    name: str
    primary: bool = False

    def __repr__(self) -> str:
        return "PickableCalendar(...)"

    __str__ = __repr__


_GENERATED_CALENDAR_MARK = "#"
"""In the ids of calendars that Google itself fills: holidays, birthdays, week numbers."""


def may_block(calendar_id: str, description: str, managed: Collection[str]) -> bool:
    """Return whether a merchant may pick the calendar to block a product.

    Not allowed are calendars that slotsync fills, since the product would block itself, and calendars that Google
    generates, since Google returns no busy times for them and the product would be unknown for ever.

    Args:
        calendar_id: The calendar's id in Google.
        description: The calendar's description; the mark in it shows managed calendars that nobody recorded.
        managed: The ids of calendars that are recorded as managed by slotsync.
    """
    marked = any(line.startswith(CALENDAR_MARK) for line in description.splitlines())
    return calendar_id not in managed and not marked and _GENERATED_CALENDAR_MARK not in calendar_id


_NO_PADDING = timedelta()

_Padding = Annotated[timedelta, Field(ge=_NO_PADDING)]


class BlockingRule(Message):
    """The merchant's choices for one product.

    ``before`` and ``after`` extend each busy time, and each unknown one. ``free_needed`` is how many of the calendars
    must be free; None means all of them.
    """

    on_unknown: OnUnknown = "block"
    before: _Padding = _NO_PADDING
    after: _Padding = _NO_PADDING
    free_needed: Annotated[int, Field(ge=1)] | None = None

    @classmethod
    def from_settings(cls, settings: OwnerSettings) -> Self:
        """Return the rule in a product's settings."""
        return cls(
            on_unknown=settings.on_unknown,
            before=timedelta(minutes=settings.pad_before_minutes),
            after=timedelta(minutes=settings.pad_after_minutes),
            free_needed=settings.free_calendars_needed,
        )

    @property
    def last_known(self) -> timedelta:
        """The age up to which an outdated reading still counts; zero unless the merchant chose ``last_known``."""
        _, _, hours = self.on_unknown.partition(":")
        return timedelta(hours=int(hours or 0))

    def extend(self, interval: Interval) -> Interval:
        """Return the interval with the time around it from which a busy time reaches into it."""
        return Interval(start=interval.start - self.after, end=interval.end + self.before)

    def required_free(self, calendars: int) -> int:
        """Return how many of the given number of calendars must be free."""
        return calendars if self.free_needed is None else min(self.free_needed, calendars)

    def closing_count(self, calendars: int) -> int:
        """Return how many of the given number of calendars must be busy to close the product."""
        return calendars - self.required_free(calendars) + 1
