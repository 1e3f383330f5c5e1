"""The methods of `calendarList`."""

from dataclasses import replace

from localgoogle.api.calendars import entry_view
from localgoogle.api.call import ApiCall
from localgoogle.api.colors import CALENDAR_PALETTE
from localgoogle.api.paging import read_token, write_token
from localgoogle.protocol.errors import CalendarApiError, invalid, known_error, not_found, required
from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import StoredListEntry

_ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
_USER_FIELDS = frozenset(
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
_DEFAULT_ENTRIES_PER_PAGE, _MAX_ENTRIES_PER_PAGE = 100, 250


def get(call: ApiCall) -> JsonObject:
    """One calendar of the list."""
    return _view(call, _listed_entry(call, call.path["calendarId"]))


def insert(call: ApiCall) -> JsonObject:
    """Puts a calendar that the user can reach back on the list."""
    calendar_id = as_text(call.body.get("id"))
    if not calendar_id:
        raise required("Missing calendar id.")
    calendar = call.visible_calendar(calendar_id)
    entry = call.google.entry(call.caller.email, calendar.id)
    return _write(call, replace(entry, deleted=False), remove_nulls(call.body))


def patch(call: ApiCall) -> JsonObject:
    """Changes what the body names of what is the user's own: colour, name, visibility."""
    entry = _listed_entry(call, call.path["calendarId"])
    call.check_match(entry.etag)
    return _write(call, entry, apply_patch(entry.body, call.body))


def update(call: ApiCall) -> JsonObject:
    """Replaces what is the user's own."""
    entry = _listed_entry(call, call.path["calendarId"])
    call.check_match(entry.etag)
    return _write(call, entry, remove_nulls(call.body))


def delete(call: ApiCall) -> None:
    """Takes the calendar off the list; it goes on to exist."""
    entry = _listed_entry(call, call.path["calendarId"])
    if call.calendar().primary:
        raise invalid("Cannot remove the primary calendar.", "calendarId")
    call.google.put_entry(replace(entry, deleted=True, updated=call.google.stamp()))


def list_entries(call: ApiCall) -> JsonObject:
    """A page of the list, or of what changed since a sync token."""
    page = read_token(call.text("pageToken"), "pageToken") if call.text("pageToken") else {}
    as_of = page.get("as_of", call.google.last_stamp)
    entries = [entry for entry in _select_entries(call) if entry.updated > _stamp(page.get("after", 0))]
    size = call.number("maxResults", _DEFAULT_ENTRIES_PER_PAGE, _MAX_ENTRIES_PER_PAGE)
    shown = entries[:size]
    answer: JsonObject = {"kind": "calendar#calendarList", "etag": make_etag(call.google.last_stamp)}
    if len(entries) > size:
        answer["nextPageToken"] = write_token({"as_of": as_of, "after": shown[-1].updated})
    elif not call.text("minAccessRole"):
        answer["nextSyncToken"] = write_token({"list": call.caller.email, "stamp": as_of})
    return answer | {"items": [_view(call, entry) for entry in shown]}


def _select_entries(call: ApiCall) -> list[StoredListEntry]:
    since = _read_sync_stamp(call)
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


def _read_sync_stamp(call: ApiCall) -> int:
    token = call.text("syncToken")
    if not token:
        return 0
    for name in ("minAccessRole", "showOwnOrganizationOnly"):
        if name in call.query:
            raise CalendarApiError(
                400, "invalid", f"{name} cannot be used together with syncToken.", "global", "parameter", name
            )
    for name in ("showDeleted", "showHidden"):
        if call.query.get(name) is False:
            raise CalendarApiError(
                400, "invalid", f"{name} cannot be false with syncToken.", "global", "parameter", name
            )
    content = read_token(token, "syncToken")
    stamp = _stamp(content.get("stamp"))
    if content.get("list") != call.caller.email or stamp < call.google.first_stamp:
        raise known_error("fullSyncRequired")
    return stamp


def _stamp(value: object) -> int:
    return value if isinstance(value, int) else 0


def _listed_entry(call: ApiCall, calendar_id: str) -> StoredListEntry:
    entry = call.google.entry(call.caller.email, call.visible_calendar(calendar_id).id)
    if entry.deleted:
        raise not_found()
    return entry


def _write(call: ApiCall, entry: StoredListEntry, body: JsonObject) -> JsonObject:
    own = {name: value for name, value in body.items() if name in _USER_FIELDS}
    if not call.flag("colorRgbFormat"):
        own.pop("backgroundColor", None)
        own.pop("foregroundColor", None)
    if str(own.setdefault("colorId", "14")) not in CALENDAR_PALETTE:
        raise invalid("Invalid color id.")
    written = replace(entry, body=own, updated=call.google.stamp())
    call.google.put_entry(written)
    return _view(call, written)


def _view(call: ApiCall, entry: StoredListEntry) -> JsonObject:
    return entry_view(entry, call.google.any_calendar(entry.calendar_id), CALENDAR_PALETTE)
