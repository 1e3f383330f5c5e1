"""Colours as Google's calendar page shows them, and the ink that can be read on them."""

import re

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_DARK, _LIGHT = "#1b1b1f", "#ffffff"
_PEACOCK = "#039be5"

# By colorId. The page has shown these since 2017; the API still answers with the paler ones of before.
_CALENDARS = (
    "#795548 #e67c73 #d50000 #f4511e #ef6c00 #f09300 #009688 #0b8043 #7cb342 #c0ca33 #e4c441 #f6bf26 "
    "#33b679 #039be5 #4285f4 #3f51b5 #7986cb #b39ddb #616161 #a79b8e #ad1457 #d81b60 #8e24aa #9e69af"
)
_EVENTS = "#7986cb #33b679 #8e24aa #e67c73 #f6bf26 #f4511e #039be5 #616161 #3f51b5 #0b8043 #d50000"


def calendar_colour(colour_id: object, background: object) -> str:
    """The colour of a calendar: its own where it has one, else that of its colorId."""
    return _own(background) or _numbered(_CALENDARS, colour_id) or _PEACOCK


def event_colour(colour_id: object, calendar: str) -> str:
    """The colour of an event: that of its colorId, else its calendar's."""
    return _numbered(_EVENTS, colour_id) or calendar


def ink_on(colour: str) -> str:
    """Dark or light, whichever contrasts more."""
    luminance = _luminance(colour)
    return _DARK if (luminance + 0.05) ** 2 > (_luminance(_DARK) + 0.05) * 1.05 else _LIGHT


def _own(background: object) -> str:
    return background if isinstance(background, str) and _HEX.fullmatch(background) else ""


def _numbered(palette: str, colour_id: object) -> str:
    number = int(colour_id) if isinstance(colour_id, str) and colour_id.isdecimal() else 0
    colours = palette.split()
    return colours[number - 1] if 0 < number <= len(colours) else ""


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)  # noqa: PLR2004  # sRGB's own constants
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
