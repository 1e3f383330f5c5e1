"""The band above the hours: stays as bars across their days, a lane for each calendar."""

from collections.abc import Iterable
from dataclasses import dataclass

from slotsync.sandbox.pages.drawn_event import DrawnEvent
from slotsync.sandbox.pages.shown_calendar import ShownCalendar
from slotsync.sandbox.pages.week import DAYS, Week

ROWS_BESIDE_HOURS = 12
ROWS_ALONE = 40
_FEWEST_ROWS = 3


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


def rows_for_each(lanes: int, *, beside_hours: bool) -> int:
    """How many rows each lane may have so that all of them stay readable."""
    return max(_FEWEST_ROWS, (ROWS_BESIDE_HOURS if beside_hours else ROWS_ALONE) // max(lanes, 1))


def lane(calendar: ShownCalendar, events: Iterable[DrawnEvent], week: Week, most_rows: int | None) -> Lane:
    """The calendar's lane in this week, cut after ``most_rows``."""
    bars = _packed(events, week)
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


def _packed(events: Iterable[DrawnEvent], week: Week) -> list[Bar]:
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
