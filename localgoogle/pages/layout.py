"""Where events are drawn: bars above the hours, and blocks within the hours of a day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from localgoogle.pages.calendars import ShownCalendar
from localgoogle.pages.events import DrawnEvent
from localgoogle.pages.week import DAYS, Week

MAX_ROWS_BESIDE_HOURS = 12
MAX_ROWS_ALONE = 40
_MIN_ROWS = 3


@dataclass(frozen=True)
class Bar:
    """An event in a lane: its row, its first column and the number of its columns."""

    event: DrawnEvent
    row: int
    column: int
    columns: int
    starts_before: bool
    ends_after: bool


@dataclass(frozen=True)
class Lane:
    """The bars of one calendar that are shown, and for each day how many are not."""

    calendar: ShownCalendar
    bars: list[Bar]
    hidden: list[int]
    total: int

    @property
    def rows(self) -> int:
        """How many rows of bars it shows."""
        return max((bar.row for bar in self.bars), default=-1) + 1

    @property
    def cut(self) -> bool:
        """Whether any bar is hidden."""
        return any(self.hidden)


def max_rows_per_lane(lanes: int, *, beside_hours: bool) -> int:
    """How many rows each lane may have so that all of them stay readable."""
    return max(_MIN_ROWS, (MAX_ROWS_BESIDE_HOURS if beside_hours else MAX_ROWS_ALONE) // max(lanes, 1))


def lane(calendar: ShownCalendar, events: Iterable[DrawnEvent], week: Week, most_rows: int | None) -> Lane:
    """The calendar's lane in this week, cut after ``most_rows``."""
    bars = _pack_bars(events, week)
    limit = len(bars) if most_rows is None else most_rows
    hidden = [0] * DAYS
    for bar in bars:
        for column in range(bar.column, bar.column + bar.columns):
            hidden[column] += bar.row >= limit
    shown = [bar for bar in bars if bar.row < limit]
    return Lane(calendar, shown, hidden, len(bars))


def _first_free(row_ends: list[int], column: int) -> int:
    """The first row whose last bar ends before the column; a new one where there is none."""
    for row, end in enumerate(row_ends):
        if end < column:
            return row
    return len(row_ends)


def _pack_bars(events: Iterable[DrawnEvent], week: Week) -> list[Bar]:
    """Each event in the first row that has room, the earliest and longest first."""
    row_ends: list[int] = []
    bars = []
    for event in sorted(
        events, key=lambda event: (max(event.first, week.monday), -event.last.toordinal(), event.title)
    ):
        first, last = week.column(event.first), week.column(event.last)
        row = _first_free(row_ends, first)
        row_ends[row : row + 1] = [last]
        before, after = event.first < week.monday, event.last > week.sunday
        bars.append(Bar(event, row, first, last - first + 1, before, after))
    return bars


DAY_MINUTES = 24 * 60
_MIN_BLOCK_MINUTES = 25
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


def build_day_blocks(events: Iterable[DrawnEvent], day: date) -> list[Block]:
    """The blocks of the events that touch this day."""
    blocks = [_build_block(event, day) for event in events if event.first <= day <= event.last]
    return [placed for group in _group_overlapping(blocks) for placed in _place_side_by_side(group)]


def visible_hours(days: Iterable[list[Block]]) -> range:
    """The usual hours of a day, and more where an event needs it."""
    blocks = [block for day in days for block in day]
    first = min([_OFFICE_HOURS[0], *(block.start // 60 for block in blocks)])
    last = max([_OFFICE_HOURS[1], *(-(-block.end // 60) for block in blocks)])
    return range(first, last)


def _build_block(event: DrawnEvent, day: date) -> Block:
    start = _minute(event.start) if event.first == day else 0
    end = _minute(event.end) if event.end.date() == day else DAY_MINUTES
    if end <= start:  # none, or the hour that comes twice when summer time ends
        end = start + (event.stored.end - event.stored.start).seconds // 60
    start = min(start, DAY_MINUTES - _MIN_BLOCK_MINUTES)
    return Block(event, start, min(max(end, start + _MIN_BLOCK_MINUTES), DAY_MINUTES))


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _group_overlapping(blocks: list[Block]) -> Iterator[list[Block]]:
    """The blocks in groups, no two of which overlap."""
    group: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.start, -block.end, block.event.title)):
        if group and block.start >= max(other.end for other in group):
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _place_side_by_side(group: list[Block]) -> list[Block]:
    ends: list[int] = []
    columns = []
    for block in group:
        column = next((number for number, end in enumerate(ends) if end <= block.start), len(ends))
        ends[column : column + 1] = [block.end]
        columns.append(column)
    placed = zip(group, columns, strict=True)
    return [Block(block.event, block.start, block.end, column, len(ends)) for block, column in placed]
