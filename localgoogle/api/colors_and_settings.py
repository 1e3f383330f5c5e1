"""The methods of `colors` and `settings`: read-only, and equal for all users except the time zone."""

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import not_found
from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject

_BLACK = "#1d1d1d"
_CALENDAR_COLOURS = [
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
_EVENT_COLOURS = [
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


def _build_palette(colours: list[str]) -> JsonObject:
    return {str(number): {"background": c, "foreground": _BLACK} for number, c in enumerate(colours, start=1)}


CALENDAR_PALETTE = _build_palette(_CALENDAR_COLOURS)
EVENT_PALETTE = _build_palette(_EVENT_COLOURS)


def get_colors(_: ApiCall) -> JsonObject:
    """Return the palettes of calendars and events."""
    return {
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": CALENDAR_PALETTE,
        "event": EVENT_PALETTE,
    }


_FIXED_VALUES = {
    "autoAddHangouts": "true",
    "dateFieldOrder": "DMY",
    "defaultEventLength": "60",
    "format24HourTime": "true",
    "hideInvitations": "false",
    "hideWeekends": "false",
    "locale": "en",
    "remindOnRespondedEventsOnly": "false",
    "showDeclinedEvents": "true",
    "useKeyboardShortcuts": "true",
    "weekStart": "1",
}


def list_settings(call: ApiCall) -> JsonObject:
    """Return all settings, on one page."""
    items = [_setting_view(name, value) for name, value in _list_values(call).items()]
    return {"kind": "calendar#settings", "etag": make_etag(0), "nextSyncToken": "0", "items": items}


def get_setting(call: ApiCall) -> JsonObject:
    """Return one setting."""
    name = call.path["setting"]
    values = _list_values(call)
    if name not in values:
        raise not_found()
    return _setting_view(name, values[name])


def _list_values(call: ApiCall) -> dict[str, str]:
    zone = call.google.find_calendar(call.caller.email, "primary").time_zone
    return dict(sorted({**_FIXED_VALUES, "timezone": zone}.items()))


def _setting_view(name: str, value: str) -> JsonObject:
    return {"kind": "calendar#setting", "etag": make_etag(0), "id": name, "value": value}
