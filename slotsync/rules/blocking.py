"""Which calendars may block a product."""

from collections.abc import Collection

from slotsync.rules.message import Message

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
