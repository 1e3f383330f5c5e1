"""The address of the week page: what it asks for, and the addresses of its links."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from urllib.parse import quote_plus, urlencode

from starlette.datastructures import QueryParams


@dataclass(frozen=True)
class WeekAddress:
    """One view of the week page. ``calendars`` are keys; None is all of them.

    ``lane`` is the calendar whose bars are all shown; ``event`` and ``day`` open the panel beside the week.
    """

    account: str = ""
    week: date | None = None
    calendars: tuple[str, ...] | None = None
    lane: str = ""
    event: str = ""
    day: date | None = None

    @classmethod
    def read(cls, query: QueryParams) -> "WeekAddress":
        """The view that these parameters ask for; what cannot be read asks for nothing."""
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
        pairs = [(name, str(value)) for name, value in self._single().items() if value]
        if self.calendars is not None:
            pairs += [("choose", "1"), *(("calendar", key) for key in self.calendars)]
        return f"/?{urlencode(pairs)}"

    @property
    def closed(self) -> "WeekAddress":
        """The same week with nothing beside it."""
        return replace(self, event="", day=None)

    def at_week(self, monday: date) -> "WeekAddress":
        """Another week."""
        return replace(self.closed, week=monday)

    def at_day(self, day: date) -> "WeekAddress":
        """With all events of a day beside the week."""
        return replace(self.closed, day=day)

    def at_event(self, key: str) -> str:
        """With an event beside the week; a page has hundreds of these."""
        return f"{self._closed_text}&event={quote_plus(key)}"

    def only(self, key: str) -> "WeekAddress":
        """One calendar, with all its bars."""
        return replace(self.closed, calendars=(key,), lane=key)

    def at_lane(self, key: str) -> "WeekAddress":
        """With all bars of a calendar; none for an empty key."""
        return replace(self.closed, lane=key)

    def all_calendars(self) -> "WeekAddress":
        """Every calendar of the list."""
        return replace(self.closed, calendars=None, lane="")

    def shows(self, key: str) -> bool:
        """Whether the calendar is ticked."""
        return self.calendars is None or key in self.calendars

    @cached_property
    def _closed_text(self) -> str:
        return str(self.closed)

    def _single(self) -> Mapping[str, object]:
        return {"account": self.account, "week": self.week, "lane": self.lane, "event": self.event, "day": self.day}


def _parse_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # A week has days on both sides; the last years that Python knows have not.
    return day if date(1900, 1, 1) <= day <= date(9000, 1, 1) else None
