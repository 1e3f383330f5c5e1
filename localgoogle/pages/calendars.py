"""The calendars of the week page, in the colours of Google's page."""

import re
from dataclasses import dataclass
from hashlib import sha256

from localgoogle.local_google import LocalGoogle
from localgoogle.state.records import StoredCalendar

_HEX_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_DARK, _LIGHT = "#1b1b1f", "#ffffff"
_PEACOCK = "#039be5"

# By colorId. Google's page has shown these since 2017; the API still answers with the older, paler ones.
_CALENDAR_COLOURS = (
    "#795548 #e67c73 #d50000 #f4511e #ef6c00 #f09300 #009688 #0b8043 #7cb342 #c0ca33 #e4c441 #f6bf26 "
    "#33b679 #039be5 #4285f4 #3f51b5 #7986cb #b39ddb #616161 #a79b8e #ad1457 #d81b60 #8e24aa #9e69af"
)
_EVENT_COLOURS = "#7986cb #33b679 #8e24aa #e67c73 #f6bf26 #f4511e #039be5 #616161 #3f51b5 #0b8043 #d50000"


def calendar_colour(colour_id: object, background: object) -> str:
    """Return the colour of a calendar: its own if it has one, else that of its colorId."""
    return _own_colour(background) or _palette_colour(_CALENDAR_COLOURS, colour_id) or _PEACOCK


def event_colour(colour_id: object, calendar: str) -> str:
    """Return the colour of an event: that of its colorId, else ``calendar``, its calendar's."""
    return _palette_colour(_EVENT_COLOURS, colour_id) or calendar


def readable_ink(colour: str) -> str:
    """Return a dark or a light text colour: the one with more contrast."""
    luminance = _luminance(colour)
    return _DARK if (luminance + 0.05) ** 2 > (_luminance(_DARK) + 0.05) * 1.05 else _LIGHT


def _own_colour(background: object) -> str:
    return background if isinstance(background, str) and _HEX_COLOUR.fullmatch(background) else ""


def _palette_colour(palette: str, colour_id: object) -> str:
    number = int(colour_id) if isinstance(colour_id, str) and colour_id.isdecimal() else 0
    colours = palette.split()
    return colours[number - 1] if 0 < number <= len(colours) else ""


def _luminance(colour: str) -> float:
    """Return the relative luminance as WCAG defines it, 0 to 1."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # noqa: PLR2004  # sRGB's own constants
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_SHORT_KEY_LENGTH = 8


@dataclass(frozen=True, eq=False)
class ShownCalendar:
    """A calendar of the account's list; it can be a key of a dict. ``key`` is its short name in the page's address."""

    stored: StoredCalendar
    key: str
    name: str
    colour: str
    ink: str


def list_calendars(google: LocalGoogle, email: str) -> list[ShownCalendar]:
    """Return the calendars of the account's list, primary first, then by name."""
    listed = {entry.calendar_id: entry.body for entry in google.list_entries(email) if not entry.deleted}
    stored = [calendar for calendar in google.list_owned_calendars(email) if calendar.id in listed]
    shown = [_show_calendar(calendar, listed[calendar.id]) for calendar in stored]
    return sorted(shown, key=lambda calendar: (not calendar.stored.primary, calendar.name.casefold()))


def short_key(calendar_id: str) -> str:
    """Return a short name for a calendar, because the ids of calendars are long."""
    return sha256(calendar_id.encode()).hexdigest()[:_SHORT_KEY_LENGTH]


def _show_calendar(calendar: StoredCalendar, listed: dict[str, object]) -> ShownCalendar:
    colour = calendar_colour(listed.get("colorId"), listed.get("backgroundColor"))
    name = str(listed.get("summaryOverride") or calendar.summary)
    return ShownCalendar(calendar, short_key(calendar.id), name, colour, readable_ink(colour))
