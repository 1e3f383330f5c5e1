"""The hours of a day: events at their time, side by side where they overlap."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from slotsync.sandbox.pages.drawn_event import DrawnEvent

DAY_MINUTES = 24 * 60
_SHORTEST = 25
"""Minutes of room that an event needs so that its title can be read."""
_OFFICE_HOURS = (7, 21)


@dataclass(frozen=True)
class Block:
    """An event on one day: minutes of the wall clock, and its column among those it overlaps."""

    event: DrawnEvent
    start: int
    end: int
    column: int = 0
    columns: int = 1

    @property
    def minutes(self) -> int:
        """How long it is drawn."""
        return self.end - self.start


def blocks_of_day(events: Iterable[DrawnEvent], day: date) -> list[Block]:
    """The blocks of the events that touch this day."""
    blocks = [_block(event, day) for event in events if event.first <= day <= event.last]
    return [placed for group in _overlapping(blocks) for placed in _side_by_side(group)]


def hours_shown(days: Iterable[list[Block]]) -> range:
    """The usual hours of a day, and more where an event needs it."""
    blocks = [block for day in days for block in day]
    first = min([_OFFICE_HOURS[0], *(block.start // 60 for block in blocks)])
    last = max([_OFFICE_HOURS[1], *(-(-block.end // 60) for block in blocks)])
    return range(first, last)


def _block(event: DrawnEvent, day: date) -> Block:
    start = _minute(event.start) if event.first == day else 0
    end = _minute(event.end) if event.end.date() == day else DAY_MINUTES
    if end <= start:  # none, or the hour that comes twice when summer time ends
        end = start + (event.stored.end - event.stored.start).seconds // 60
    start = min(start, DAY_MINUTES - _SHORTEST)
    return Block(event, start, min(max(end, start + _SHORTEST), DAY_MINUTES))


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _overlapping(blocks: list[Block]) -> Iterator[list[Block]]:
    """The blocks in groups, no two of which overlap."""
    group: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.start, -block.end, block.event.title)):
        if group and block.start >= max(other.end for other in group):
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _side_by_side(group: list[Block]) -> list[Block]:
    ends: list[int] = []
    columns = []
    for block in group:
        column = next((number for number, end in enumerate(ends) if end <= block.start), len(ends))
        ends[column : column + 1] = [block.end]
        columns.append(column)
    placed = zip(group, columns, strict=True)
    return [Block(block.event, block.start, block.end, column, len(ends)) for block, column in placed]
