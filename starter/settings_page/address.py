"""What the page's address asks for."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.datastructures import QueryParams


@dataclass(frozen=True)
class Address:
    """One view of the page: ``owner`` is opened, ``week`` is any day of the week to show, ``said`` names a notice."""

    owner: str = ""
    week: str = ""
    said: str = ""

    @classmethod
    def read(cls, query: QueryParams) -> "Address":
        """The view that these parameters ask for."""
        return cls(owner=query.get("owner", ""), week=query.get("week", ""), said=query.get("said", ""))

    @property
    def text(self) -> str:
        """The address."""
        told = {name: value for name, value in vars(self).items() if value}
        at = "#opened" if self.owner else ""
        return f"/settings/?{urlencode(told)}{at}" if told else "/settings/"

    def opening(self, owner: object) -> "Address":
        """With a product or resource opened."""
        return Address(owner=str(owner))

    def in_week(self, monday: date, weeks: int) -> "Address":
        """So many weeks away from this one."""
        return replace(self, week=(monday + timedelta(weeks=weeks)).isoformat(), said="")

    def monday(self, today: date) -> date:
        """The first day of the week that is asked for; of this week, where nothing readable is."""
        try:
            day = date.fromisoformat(self.week)
            monday = day - timedelta(days=day.weekday())
            return monday if 1970 < monday.year < 2200 else today - timedelta(days=today.weekday())  # noqa: PLR2004
        except (ValueError, OverflowError):
            return today - timedelta(days=today.weekday())
