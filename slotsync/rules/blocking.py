"""Which calendars may block a product."""

from collections.abc import Collection

CALENDAR_MARK = "slotsync:"
"""How the line begins that slotsync leaves in the description of each calendar that it makes."""


def may_block(calendar_id: str, description: str, managed: Collection[str]) -> bool:
    """Whether a merchant may pick the calendar: never one that slotsync fills, for it would block its own product.

    ``managed`` are the ids of calendars that are recorded as ours; the mark tells those that nobody recorded.
    """
    marked = any(line.startswith(CALENDAR_MARK) for line in description.splitlines())
    return calendar_id not in managed and not marked
