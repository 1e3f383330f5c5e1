"""The places of events on the page: bars above the hours, and blocks within the hours of a day."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from localgoogle.pages.calendars import ShownCalendar
from localgoogle.pages.events import DrawnEvent
from localgoogle.pages.week import DAYS_PER_WEEK, Week

MAX_ROWS_BESIDE_HOURS = 12
MAX_ROWS_ALONE = 40
_MIN_ROWS = 3


@dataclass(frozen=True)
class Bar:
    """An event in a lane: its row, its first column (0 is Monday) and the number of its columns."""

    event: DrawnEvent
    row: int
    column: int
    columns: int
    starts_before: bool
    ends_after: bool


@dataclass(frozen=True)
class Lane:
    """The bars of one calendar that are shown, and the number of hidden bars on each day."""

    calendar: ShownCalendar
    bars: list[Bar]
    hidden: list[int]
    total: int

    @property
    def rows(self) -> int:
        """The number of rows that are shown."""
        return max((bar.row for bar in self.bars), default=-1) + 1

    @property
    def cut(self) -> bool:
        """True if any bar is hidden."""
        return any(self.hidden)


def max_rows_per_lane(lanes: int, *, beside_hours: bool) -> int:
    """Return the number of rows that each lane may have so that all lanes fit on the page."""
    return max(_MIN_ROWS, (MAX_ROWS_BESIDE_HOURS if beside_hours else MAX_ROWS_ALONE) // max(lanes, 1))


def build_lane(calendar: ShownCalendar, events: Iterable[DrawnEvent], week: Week, max_rows: int | None) -> Lane:
    """Return the calendar's lane in this week with at most ``max_rows`` rows; None is no limit."""
    bars = _pack_bars(events, week)
    limit = len(bars) if max_rows is None else max_rows
    hidden = [0] * DAYS_PER_WEEK
    for bar in bars:
        for column in range(bar.column, bar.column + bar.columns):
            hidden[column] += bar.row >= limit
    shown = [bar for bar in bars if bar.row < limit]
    return Lane(calendar, shown, hidden, len(bars))


def _first_free(row_ends: list[int], column: int) -> int:
    """Return the first row that is free at the column; a new row if there is none."""
    for row, end in enumerate(row_ends):
        if end < column:
            return row
    return len(row_ends)


def _pack_bars(events: Iterable[DrawnEvent], week: Week) -> list[Bar]:
    """Return the events as bars, earliest and longest first, each in the first row that is free."""
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


MINUTES_PER_DAY = 24 * 60
_MIN_BLOCK_MINUTES = 25
"""The least height of an event: its title needs this many minutes to be readable."""
_DEFAULT_HOURS = (7, 21)


@dataclass(frozen=True)
class Block:
    """An event on one day: its minutes since midnight, and its column among the events that it overlaps."""

    event: DrawnEvent
    start: int
    end: int
    column: int = 0
    columns: int = 1

    @property
    def minutes(self) -> int:
        """The height, in minutes."""
        return self.end - self.start


def build_day_blocks(events: Iterable[DrawnEvent], day: date) -> list[Block]:
    """Return the blocks of the events that touch this day."""
    blocks = [_build_block(event, day) for event in events if event.first <= day <= event.last]
    return [placed for group in _group_overlapping(blocks) for placed in _place_side_by_side(group)]


def visible_hours(days: Iterable[list[Block]]) -> range:
    """Return the default hours of a day, and more if an event needs it."""
    blocks = [block for day in days for block in day]
    first = min([_DEFAULT_HOURS[0], *(block.start // 60 for block in blocks)])
    last = max([_DEFAULT_HOURS[1], *(-(-block.end // 60) for block in blocks)])
    return range(first, last)


def _build_block(event: DrawnEvent, day: date) -> Block:
    start = _minute(event.start) if event.first == day else 0
    end = _minute(event.end) if event.end.date() == day else MINUTES_PER_DAY
    if end <= start:  # no duration, or the hour that exists twice at the end of summer time
        end = start + (event.stored.end - event.stored.start).seconds // 60
    start = min(start, MINUTES_PER_DAY - _MIN_BLOCK_MINUTES)
    return Block(event, start, min(max(end, start + _MIN_BLOCK_MINUTES), MINUTES_PER_DAY))


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _group_overlapping(blocks: list[Block]) -> Iterator[list[Block]]:
    """Yield the blocks in groups; blocks of different groups do not overlap."""
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
