"""How the calendars that block a product make it free, busy or unknown."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field

from slotsync.rules.message import Message
from slotsync.rules.owner import OnUnknown, OwnerSettings

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
