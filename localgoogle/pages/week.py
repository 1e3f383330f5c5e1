"""The seven days that the page shows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = 7
RANGE_DASH = " \N{EN DASH} "
"""Between a first and a last."""


@dataclass(frozen=True)
class Week:
    """Monday to Sunday as a wall calendar in one time zone has them."""

    monday: date
    zone: ZoneInfo

    @classmethod
    def around(cls, day: date, zone: ZoneInfo) -> "Week":
        """The week that this day is in."""
        return cls(day - timedelta(days=day.weekday()), zone)

    @property
    def days(self) -> list[date]:
        """Its days, in order."""
        return [self.monday + timedelta(days=number) for number in range(DAYS)]

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=DAYS - 1)

    @property
    def title(self) -> str:
        """Its month, or both its months: ``November 2026``, ``Nov - Dec 2026``."""
        first, last = self.monday, self.sunday
        if first.month == last.month:
            return f"{first:%B %Y}"
        start = f"{first:%b}" if first.year == last.year else f"{first:%b %Y}"
        return f"{start}{RANGE_DASH}{last:%b %Y}"

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Instants that take in all that can touch the week, in whatever zone a calendar counts its days."""
        start = datetime(self.monday.year, self.monday.month, self.monday.day, tzinfo=self.zone).astimezone(UTC)
        return start - timedelta(days=1), start + timedelta(days=DAYS + 1)

    def touches(self, first: date, last: date) -> bool:
        """Whether any day from ``first`` to ``last`` is in it."""
        return first <= self.sunday and last >= self.monday

    def column(self, day: date) -> int:
        """The place of a day in the week, 0 to 6; days outside count as the nearest one inside."""
        return min(max((day - self.monday).days, 0), DAYS - 1)

    def moved(self, weeks: int) -> date:
        """The Monday so many weeks later."""
        return self.monday + timedelta(weeks=weeks)
