"""The week that the page shows, and the address of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

DAYS_PER_WEEK = 7
RANGE_DASH = " \N{EN DASH} "
"""Separates the first and the last of a range."""


@dataclass(frozen=True)
class Week:
    """The days from Monday to Sunday in one time zone."""

    monday: date
    zone: ZoneInfo

    @classmethod
    def around(cls, day: date, zone: ZoneInfo) -> "Week":
        """Return the week of this day."""
        return cls(day - timedelta(days=day.weekday()), zone)

    @property
    def days(self) -> list[date]:
        """The days from Monday to Sunday."""
        return [self.monday + timedelta(days=number) for number in range(DAYS_PER_WEEK)]

    @property
    def sunday(self) -> date:
        """The last day."""
        return self.monday + timedelta(days=DAYS_PER_WEEK - 1)

    @property
    def title(self) -> str:
        """The month, or both months: ``November 2026``, ``Nov - Dec 2026``."""
        first, last = self.monday, self.sunday
        if first.month == last.month:
            return f"{first:%B %Y}"
        start = f"{first:%b}" if first.year == last.year else f"{first:%b %Y}"
        return f"{start}{RANGE_DASH}{last:%b %Y}"

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The week in UTC, with a day before and after: all-day events may be in other time zones."""
        start = datetime(self.monday.year, self.monday.month, self.monday.day, tzinfo=self.zone).astimezone(UTC)
        return start - timedelta(days=1), start + timedelta(days=DAYS_PER_WEEK + 1)

    def touches(self, first: date, last: date) -> bool:
        """Return whether any day from ``first`` to ``last`` is in the week."""
        return first <= self.sunday and last >= self.monday

    def column(self, day: date) -> int:
        """Return the place of a day in the week, 0 to 6; a day outside counts as the nearest one inside."""
        return min(max((day - self.monday).days, 0), DAYS_PER_WEEK - 1)

    def moved(self, weeks: int) -> date:
        """Return the Monday that many weeks later."""
        return self.monday + timedelta(weeks=weeks)


@dataclass(frozen=True)
class WeekAddress:
    """The address of the week page: which account, week and calendars it shows.

    ``calendars`` are keys; None is all of them. The calendar ``lane`` shows all its bars. ``event`` and ``day`` open
    the panel beside the week.
    """

    account: str = ""
    week: date | None = None
    calendars: tuple[str, ...] | None = None
    lane: str = ""
    event: str = ""
    day: date | None = None

    @classmethod
    def read(cls, query: QueryParams) -> "WeekAddress":
        """Return the address with these parameters; those that cannot be read are left out."""
        chosen = tuple(query.getlist("calendar"))
        return cls(
            account=query.get("account", ""),
            week=_parse_date(query.get("week", "")),
            calendars=chosen if chosen or query.get("choose") else None,
            lane=query.get("lane", ""),
            event=query.get("event", ""),
            day=_parse_date(query.get("day", "")),
        )

    def __str__(self) -> str:
        pairs = [(name, str(value)) for name, value in self._single_values().items() if value]
        if self.calendars is not None:
            pairs += [("choose", "1"), *(("calendar", key) for key in self.calendars)]
        return f"/?{urlencode(pairs)}"

    @property
    def closed(self) -> "WeekAddress":
        """This week without the panel."""
        return replace(self, event="", day=None)

    def at_week(self, monday: date) -> "WeekAddress":
        """Return the address of another week."""
        return replace(self.closed, week=monday)

    def at_day(self, day: date) -> "WeekAddress":
        """Return the address with all events of a day in the panel."""
        return replace(self.closed, day=day)

    def at_event(self, key: str) -> str:
        """Return the address with an event in the panel."""
        return f"{self._closed_text}&event={quote_plus(key)}"

    def only(self, key: str) -> "WeekAddress":
        """Return the address of one calendar alone, with all its bars."""
        return replace(self.closed, calendars=(key,), lane=key)

    def at_lane(self, key: str) -> "WeekAddress":
        """Return the address with all bars of a calendar; of none for an empty key."""
        return replace(self.closed, lane=key)

    def all_calendars(self) -> "WeekAddress":
        """Return the address with all calendars of the list."""
        return replace(self.closed, calendars=None, lane="")

    def shows(self, key: str) -> bool:
        """Return whether the calendar is ticked."""
        return self.calendars is None or key in self.calendars

    @cached_property
    def _closed_text(self) -> str:
        # Kept, because a page has hundreds of links to events.
        return str(self.closed)

    def _single_values(self) -> Mapping[str, object]:
        return {"account": self.account, "week": self.week, "lane": self.lane, "event": self.event, "day": self.day}


def _parse_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Weeks reach beyond their year, and Python ends with year 9999.
    return day if date(1900, 1, 1) <= day <= date(9000, 1, 1) else None
