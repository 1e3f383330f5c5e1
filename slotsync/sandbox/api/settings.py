"""settings.*: read-only, the same for everyone but the time zone."""

from slotsync.sandbox.api_error import not_found
from slotsync.sandbox.call import Call
from slotsync.sandbox.instants import etag_of
from slotsync.sandbox.json_types import JsonObject

_SAME_FOR_ALL = {
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


def list_settings(call: Call) -> JsonObject:
    """All settings on one page."""
    items = [_setting(name, value) for name, value in _values(call).items()]
    return {"kind": "calendar#settings", "etag": etag_of(0), "nextSyncToken": "0", "items": items}


def get(call: Call) -> JsonObject:
    """One setting."""
    name = call.path["setting"]
    values = _values(call)
    if name not in values:
        raise not_found()
    return _setting(name, values[name])


def _values(call: Call) -> dict[str, str]:
    zone = call.google.calendar(call.caller.email, "primary").time_zone
    return dict(sorted({**_SAME_FOR_ALL, "timezone": zone}.items()))


def _setting(name: str, value: str) -> JsonObject:
    return {"kind": "calendar#setting", "etag": etag_of(0), "id": name, "value": value}
