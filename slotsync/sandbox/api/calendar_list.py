"""calendarList.*."""

from dataclasses import replace

from slotsync.sandbox import tokens
from slotsync.sandbox.api.colors import CALENDAR_PALETTE
from slotsync.sandbox.api_error import ApiError, invalid, known_error, not_found, required
from slotsync.sandbox.calendar_view import entry_view
from slotsync.sandbox.call import Call
from slotsync.sandbox.instants import etag_of
from slotsync.sandbox.json_types import JsonObject, as_text
from slotsync.sandbox.merging import merged, without_nulls
from slotsync.sandbox.stored import ListEntry

_ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
_OWN = frozenset(
    [
        "backgroundColor",
        "colorId",
        "defaultReminders",
        "foregroundColor",
        "hidden",
        "notificationSettings",
        "selected",
        "summaryOverride",
    ]
)
_DEFAULT_PAGE, _MOST_PER_PAGE = 100, 250


def get(call: Call) -> JsonObject:
    """One calendar of the list."""
    return _view(call, _living(call, call.path["calendarId"]))


def insert(call: Call) -> JsonObject:
    """Puts a calendar that the user can reach back on the list."""
    calendar_id = as_text(call.body.get("id"))
    if not calendar_id:
        raise required("Missing calendar id.")
    calendar = call.visible(calendar_id)
    entry = call.google.entry(call.caller.email, calendar.id)
    return _write(call, replace(entry, deleted=False), without_nulls(call.body))


def patch(call: Call) -> JsonObject:
    """Changes what the body names of what is the user's own: colour, name, visibility."""
    entry = _living(call, call.path["calendarId"])
    call.check_match(entry.etag)
    return _write(call, entry, merged(entry.body, call.body))


def update(call: Call) -> JsonObject:
    """Replaces what is the user's own."""
    entry = _living(call, call.path["calendarId"])
    call.check_match(entry.etag)
    return _write(call, entry, without_nulls(call.body))


def delete(call: Call) -> None:
    """Takes the calendar off the list; it goes on to exist."""
    entry = _living(call, call.path["calendarId"])
    if call.calendar().primary:
        raise invalid("Cannot remove the primary calendar.", "calendarId")
    call.google.put_entry(replace(entry, deleted=True, updated=call.google.stamp()))


def list_entries(call: Call) -> JsonObject:
    """A page of the list, or of what changed since a sync token."""
    page = tokens.read(call.text("pageToken"), "pageToken") if call.text("pageToken") else {}
    as_of = page.get("as_of", call.google.last_stamp)
    entries = [entry for entry in _selected(call) if entry.updated > _stamp(page.get("after", 0))]
    size = call.number("maxResults", _DEFAULT_PAGE, _MOST_PER_PAGE)
    shown = entries[:size]
    answer: JsonObject = {"kind": "calendar#calendarList", "etag": etag_of(call.google.last_stamp)}
    if len(entries) > size:
        answer["nextPageToken"] = tokens.written({"as_of": as_of, "after": shown[-1].updated})
    elif not call.text("minAccessRole"):
        answer["nextSyncToken"] = tokens.written({"list": call.caller.email, "stamp": as_of})
    return answer | {"items": [_view(call, entry) for entry in shown]}


def _selected(call: Call) -> list[ListEntry]:
    since = _since(call)
    entries = sorted(call.google.entries(call.caller.email), key=lambda entry: entry.updated)
    if call.text("syncToken"):
        return [entry for entry in entries if entry.updated > since]
    lowest = call.text("minAccessRole")
    return [
        entry
        for entry in entries
        if (call.flag("showDeleted") or not entry.deleted)
        and (call.flag("showHidden") or not entry.body.get("hidden"))
        and (not lowest or _ROLES.index(entry.access_role) >= _ROLES.index(lowest))
    ]


def _since(call: Call) -> int:
    token = call.text("syncToken")
    if not token:
        return 0
    for name in ("minAccessRole", "showOwnOrganizationOnly"):
        if name in call.query:
            raise ApiError(
                400, "invalid", f"{name} cannot be used together with syncToken.", "global", "parameter", name
            )
    for name in ("showDeleted", "showHidden"):
        if call.query.get(name) is False:
            raise ApiError(400, "invalid", f"{name} cannot be false with syncToken.", "global", "parameter", name)
    content = tokens.read(token, "syncToken")
    stamp = _stamp(content.get("stamp"))
    if content.get("list") != call.caller.email or stamp < call.google.first_stamp:
        raise known_error("fullSyncRequired")
    return stamp


def _stamp(value: object) -> int:
    return value if isinstance(value, int) else 0


def _living(call: Call, calendar_id: str) -> ListEntry:
    entry = call.google.entry(call.caller.email, call.visible(calendar_id).id)
    if entry.deleted:
        raise not_found()
    return entry


def _write(call: Call, entry: ListEntry, body: JsonObject) -> JsonObject:
    own = {name: value for name, value in body.items() if name in _OWN}
    if not call.flag("colorRgbFormat"):
        own.pop("backgroundColor", None)
        own.pop("foregroundColor", None)
    if str(own.setdefault("colorId", "14")) not in CALENDAR_PALETTE:
        raise invalid("Invalid color id.")
    written = replace(entry, body=own, updated=call.google.stamp())
    call.google.put_entry(written)
    return _view(call, written)


def _view(call: Call, entry: ListEntry) -> JsonObject:
    return entry_view(entry, call.google.any_calendar(entry.calendar_id), CALENDAR_PALETTE)
