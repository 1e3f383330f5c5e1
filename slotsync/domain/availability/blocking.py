"""Which calendars may block a product, and by which rule they do."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field

from slotsync.domain.calendars.owner import OnUnknown, OwnerSettings
from slotsync.domain.messages import Message

CALENDAR_MARK = "slotsync:"
"""How the line begins that slotsync leaves in the description of each calendar that it makes."""


class PickableCalendar(Message):
    """A calendar that a merchant may pick. Its name has no repr, so that it is never logged by accident."""

    id: str
    name: str
    primary: bool = False

    def __repr__(self) -> str:
        return "PickableCalendar(...)"

    __str__ = __repr__


_GENERATED = "#"
"""In the ids of calendars that Google itself fills: holidays, birthdays, week numbers."""


def may_block(calendar_id: str, description: str, managed: Collection[str]) -> bool:
    """Whether a merchant may pick the calendar: never one that slotsync fills, for it would block its own product.

    Nor one that Google generates, for Google tells no busy times of it: the product would be unknown for ever.
    ``managed`` are the ids of calendars that are recorded as ours; the mark tells those that nobody recorded.
    """
    marked = any(line.startswith(CALENDAR_MARK) for line in description.splitlines())
    return calendar_id not in managed and not marked and _GENERATED not in calendar_id


_NOTHING = timedelta()

_Padding = Annotated[timedelta, Field(ge=_NOTHING)]


class BlockingRule(Message):
    """What the merchant chose for one product.

    ``before`` and ``after`` make each busy time longer, and each that might be busy. ``free_needed`` is how many of the
    calendars must be free; without it, all of them.
    """

    on_unknown: OnUnknown = "block"
    before: _Padding = _NOTHING
    after: _Padding = _NOTHING
    free_needed: Annotated[int, Field(ge=1)] | None = None

    @classmethod
    def chosen_in(cls, settings: OwnerSettings) -> Self:
        """The rule that a product's settings make."""
        return cls(
            on_unknown=settings.on_unknown,
            before=timedelta(minutes=settings.pad_before_minutes),
            after=timedelta(minutes=settings.pad_after_minutes),
            free_needed=settings.free_calendars_needed,
        )

    @property
    def last_known(self) -> timedelta:
        """For how long what was read last counts once nobody knows any more; no time unless that was chosen."""
        _, _, hours = self.on_unknown.partition(":")
        return timedelta(hours=int(hours or 0))

    def needed_of(self, calendars: int) -> int:
        """How many of so many calendars must be free."""
        return calendars if self.free_needed is None else min(self.free_needed, calendars)

    def enough_of(self, calendars: int) -> int:
        """How many of so many calendars close the product once they are busy."""
        return calendars - self.needed_of(calendars) + 1
