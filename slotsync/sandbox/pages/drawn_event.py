"""Events as they lie in the days of a time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from slotsync.sandbox.json_types import as_object, as_text
from slotsync.sandbox.pages.colour import event_colour, ink_on
from slotsync.sandbox.pages.shown_calendar import ShownCalendar
from slotsync.sandbox.pages.week import TO
from slotsync.sandbox.stored import StoredEvent

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DrawnEvent:
    """An event with the days that it covers, ``last`` included."""

    stored: StoredEvent
    calendar: ShownCalendar
    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of(cls, stored: StoredEvent, calendar: ShownCalendar, zone: ZoneInfo) -> "DrawnEvent":
        """The event as this zone sees it; whole days are the same everywhere."""
        if stored.all_day:
            first = _date(stored, "start")
            return cls(stored, calendar, first, max(first, _date(stored, "end") - _DAY), zone)
        first, end = stored.start.astimezone(zone).date(), stored.end.astimezone(zone)
        return cls(stored, calendar, first, max(first, (end - timedelta(microseconds=1)).date()), zone)

    @property
    def start(self) -> datetime:
        """When it starts, by the wall clock."""
        return self.stored.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        """When it ends, by the wall clock."""
        return self.stored.end.astimezone(self.zone)

    @property
    def key(self) -> str:
        """Its short name in the page's address."""
        return f"{self.calendar.key}.{self.stored.id}"

    @property
    def title(self) -> str:
        """Its title, as Google shows it where there is none."""
        return self.stored.summary or "(No title)"

    @property
    def tentative(self) -> bool:
        """Whether it is not yet settled."""
        return self.stored.status == "tentative"

    @property
    def is_bar(self) -> bool:
        """Whether it is drawn above the hours: whole days, and whatever lasts a day or longer."""
        return self.stored.all_day or self.stored.end - self.stored.start >= _DAY

    @property
    def colour(self) -> str:
        """Its own colour or its calendar's."""
        return event_colour(self.stored.body.get("colorId"), self.calendar.colour)

    @property
    def ink(self) -> str:
        """What can be read on its colour."""
        return ink_on(self.colour)

    @property
    def days_text(self) -> str:
        """The days that it covers: ``Mon 23 Nov 2026``, or the first and the last."""
        if self.first == self.last:
            return _day_text(self.first)
        return f"{_day_text(self.first)}{TO}{_day_text(self.last)}"

    @property
    def hours_text(self) -> str:
        """When it starts and ends: ``10:00 - 11:30``; empty for whole days."""
        return "" if self.stored.all_day else f"{self.start:%H:%M}{TO}{self.end:%H:%M}"

    @property
    def label(self) -> str:
        """All of it in a line, for who cannot see where it is drawn."""
        parts = [self.title, self.days_text, self.hours_text or "all day", self.calendar.name]
        return ", ".join([*parts, "tentative"] if self.tentative else parts)


def _date(event: StoredEvent, name: str) -> date:
    return date.fromisoformat(as_text(as_object(event.body[name])["date"]))


def _day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
