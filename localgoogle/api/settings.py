"""The methods of `settings`: read-only, and equal for all users but the time zone."""

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import not_found
from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject

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


def list_settings(call: ApiCall) -> JsonObject:
    """All settings on one page."""
    items = [_setting(name, value) for name, value in _values(call).items()]
    return {"kind": "calendar#settings", "etag": make_etag(0), "nextSyncToken": "0", "items": items}


def get(call: ApiCall) -> JsonObject:
    """One setting."""
    name = call.path["setting"]
    values = _values(call)
    if name not in values:
        raise not_found()
    return _setting(name, values[name])


def _values(call: ApiCall) -> dict[str, str]:
    zone = call.google.calendar(call.caller.email, "primary").time_zone
    return dict(sorted({**_SAME_FOR_ALL, "timezone": zone}.items()))


def _setting(name: str, value: str) -> JsonObject:
    return {"kind": "calendar#setting", "etag": make_etag(0), "id": name, "value": value}
