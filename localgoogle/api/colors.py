"""The method `colors.get`, and Google's palettes."""

from localgoogle.api.call import ApiCall
from localgoogle.protocol.json_values import JsonObject

_BLACK = "#1d1d1d"
_CALENDAR = [
    "#ac725e",
    "#d06b64",
    "#f83a22",
    "#fa573c",
    "#ff7537",
    "#ffad46",
    "#42d692",
    "#16a765",
    "#7bd148",
    "#b3dc6c",
    "#fbe983",
    "#fad165",
    "#92e1c0",
    "#9fe1e7",
    "#9fc6e7",
    "#4986e7",
    "#9a9cff",
    "#b99aff",
    "#c2c2c2",
    "#cabdbf",
    "#cca6ac",
    "#f691b2",
    "#cd74e6",
    "#a47ae2",
]
_EVENT = [
    "#a4bdfc",
    "#7ae7bf",
    "#dbadff",
    "#ff887c",
    "#fbd75b",
    "#ffb878",
    "#46d6db",
    "#e1e1e1",
    "#5484ed",
    "#51b749",
    "#dc2127",
]


def _palette(colours: list[str]) -> JsonObject:
    return {str(number): {"background": c, "foreground": _BLACK} for number, c in enumerate(colours, start=1)}


CALENDAR_PALETTE = _palette(_CALENDAR)
EVENT_PALETTE = _palette(_EVENT)


def get(_: ApiCall) -> JsonObject:
    """The palettes of calendars and events."""
    return {
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": CALENDAR_PALETTE,
        "event": EVENT_PALETTE,
    }
