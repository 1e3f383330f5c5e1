"""Events as the page shows them: on the days of a time zone, and with all details in the panel."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from localgoogle.pages.calendars import ShownCalendar, event_colour, readable_ink
from localgoogle.pages.week import RANGE_DASH
from localgoogle.protocol.instants import format_with_milliseconds, from_micros
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text
from localgoogle.state.records import StoredEvent

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
    def build(cls, stored: StoredEvent, calendar: ShownCalendar, zone: ZoneInfo) -> "DrawnEvent":
        """Return the event on the days of this time zone; all-day events have the same days in all zones."""
        if stored.all_day:
            first = _day(stored, "start")
            return cls(stored, calendar, first, max(first, _day(stored, "end") - _DAY), zone)
        first, end = stored.start.astimezone(zone).date(), stored.end.astimezone(zone)
        return cls(stored, calendar, first, max(first, (end - timedelta(microseconds=1)).date()), zone)

    @property
    def start(self) -> datetime:
        """The start, in the time zone of the page."""
        return self.stored.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        """The end, in the time zone of the page."""
        return self.stored.end.astimezone(self.zone)

    @property
    def key(self) -> str:
        """The event's short name in the page's address."""
        return f"{self.calendar.key}.{self.stored.id}"

    @property
    def title(self) -> str:
        """The title, or the text that Google shows for an event without one."""
        return self.stored.summary or "(No title)"

    @property
    def tentative(self) -> bool:
        """True if the event is not yet confirmed."""
        return self.stored.status == "tentative"

    @property
    def is_bar(self) -> bool:
        """True if the event is drawn above the hours: it covers whole days, or lasts a day or longer."""
        return self.stored.all_day or self.stored.end - self.stored.start >= _DAY

    @property
    def colour(self) -> str:
        """The event's own colour or its calendar's."""
        return event_colour(self.stored.body.get("colorId"), self.calendar.colour)

    @property
    def ink(self) -> str:
        """The text colour with enough contrast to the colour."""
        return readable_ink(self.colour)

    @property
    def days_text(self) -> str:
        """The days of the event: ``Mon 23 Nov 2026``, or the first and the last."""
        if self.first == self.last:
            return _day_text(self.first)
        return f"{_day_text(self.first)}{RANGE_DASH}{_day_text(self.last)}"

    @property
    def hours_text(self) -> str:
        """The start and the end: ``10:00 - 11:30``; empty for whole days."""
        return "" if self.stored.all_day else f"{self.start:%H:%M}{RANGE_DASH}{self.end:%H:%M}"

    @property
    def label(self) -> str:
        """Title, days, hours and calendar in one line, for screen readers."""
        parts = [self.title, self.days_text, self.hours_text or "all day", self.calendar.name]
        return ", ".join([*parts, "tentative"] if self.tentative else parts)


def _day(event: StoredEvent, name: str) -> date:
    return date.fromisoformat(as_text(as_object(event.body[name])["date"]))


def _day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


@dataclass(frozen=True)
class EventDetails:
    """The contents of the panel: facts for people first, then properties that apps set and technical fields."""

    event: DrawnEvent
    when: str
    facts: dict[str, str]
    link: str
    properties: dict[str, str]
    marks: dict[str, str]

    @classmethod
    def build(cls, event: DrawnEvent, zone_name: str) -> "EventDetails":
        """Return the details, with times in the time zone of the page, which is ``zone_name``."""
        body = event.stored.body
        return cls(
            event=event,
            when=f"{event.days_text}, {event.hours_text or 'all day'} · {zone_name}",
            facts={name: value for name, value in _facts(event).items() if value},
            link=as_text(as_object(body.get("source")).get("url")),
            properties=_texts(as_object(as_object(body.get("extendedProperties")).get("private"))),
            marks=_technical_fields(event),
        )


def _facts(event: DrawnEvent) -> dict[str, str]:
    body = event.stored.body
    return {
        "Description": as_text(body.get("description")),
        "Where": as_text(body.get("location")),
        "Guests": ", ".join(as_text(as_object(guest).get("email")) for guest in as_list(body.get("attendees"))),
        "Calendar": event.calendar.name,
        "Status": event.stored.status,
        "Shown as": "free" if body.get("transparency") == "transparent" else "busy",
    }


def _technical_fields(event: DrawnEvent) -> dict[str, str]:
    stored = event.stored
    return {
        "id": stored.id,
        "iCalUID": stored.i_cal_uid,
        "etag": stored.etag,
        "sequence": str(stored.sequence),
        "created": format_with_milliseconds(from_micros(stored.created)),
        "updated": format_with_milliseconds(from_micros(stored.updated)),
    }


def _texts(properties: JsonObject) -> dict[str, str]:
    return {name: str(value) for name, value in properties.items()}
