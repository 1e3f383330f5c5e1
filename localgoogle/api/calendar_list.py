"""The methods of `calendarList`."""

from dataclasses import replace

from localgoogle.api.calendars import entry_view
from localgoogle.api.call import ApiCall
from localgoogle.api.colors_and_settings import CALENDAR_PALETTE
from localgoogle.api.paging import SortKey, read_stamp, read_sync_token, take_page
from localgoogle.protocol.errors import invalid, not_found, required
from localgoogle.protocol.instants import make_etag
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import ACCESS_ROLES, StoredListEntry

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
    """Return one calendar of the list."""
    return _view(call, _find_listed_entry(call))


def insert(call: ApiCall) -> JsonObject:
    """Put a calendar that the user can reach back on the list, and return its entry."""
    calendar_id = as_text(call.body.get("id"))
    if not calendar_id:
        raise required("Missing calendar id.")
    calendar = call.find_visible_calendar(calendar_id)
    entry = call.google.find_entry(call.caller.email, calendar.id)
    return _write(call, replace(entry, deleted=False), remove_nulls(call.body))


def patch(call: ApiCall) -> JsonObject:
    """Change the user's own fields (colour, name, visibility) that the body names, and return the entry."""
    entry = _find_listed_entry(call)
    call.check_match(entry.etag)
    return _write(call, entry, apply_patch(entry.body, call.body))


def update(call: ApiCall) -> JsonObject:
    """Replace all of the user's own fields, and return the entry."""
    entry = _find_listed_entry(call)
    call.check_match(entry.etag)
    return _write(call, entry, remove_nulls(call.body))


def delete(call: ApiCall) -> None:
    """Remove the calendar from the list; the calendar itself remains."""
    entry = _find_listed_entry(call)
    if call.find_calendar().primary:
        raise invalid("Cannot remove the primary calendar.", "calendarId")
    call.google.put_entry(replace(entry, deleted=True, updated=call.google.next_stamp()))


def list_entries(call: ApiCall) -> JsonObject:
    """Return a page of the list, or of the changes since a sync token."""
    size = call.number("maxResults", _DEFAULT_ENTRIES_PER_PAGE, _MAX_ENTRIES_PER_PAGE)
    sync: JsonObject | None = None if call.text("minAccessRole") else {"list": call.caller.email}
    page, next_token = take_page(call, _select_entries(call), _change_key, size=size, sync=sync)
    header: JsonObject = {"kind": "calendar#calendarList", "etag": make_etag(call.google.last_stamp)}
    return header | next_token | {"items": [_view(call, entry) for entry in page]}


def _select_entries(call: ApiCall) -> list[StoredListEntry]:
    token = read_sync_token(
        call,
        {"list": call.caller.email},
        excluded=["minAccessRole", "showOwnOrganizationOnly"],
        never_false=["showDeleted", "showHidden"],
    )
    entries = call.google.list_entries(call.caller.email)
    if token is not None:
        return [entry for entry in entries if entry.updated > read_stamp(token)]
    lowest = call.text("minAccessRole")
    return [
        entry
        for entry in entries
        if (call.flag("showDeleted") or not entry.deleted)
        and (call.flag("showHidden") or not entry.body.get("hidden"))
        and (not lowest or entry.access_role in ACCESS_ROLES[ACCESS_ROLES.index(lowest) :])
    ]


def _change_key(entry: StoredListEntry) -> SortKey:
    return [f"{entry.updated:020}"]


def _find_listed_entry(call: ApiCall) -> StoredListEntry:
    entry = call.google.find_entry(call.caller.email, call.find_calendar().id)
    if entry.deleted:
        raise not_found()
    return entry


def _write(call: ApiCall, entry: StoredListEntry, body: JsonObject) -> JsonObject:
    own = {name: value for name, value in body.items() if name in _USER_FIELDS and (value or name != "hidden")}
    if not call.flag("colorRgbFormat"):
        own.pop("backgroundColor", None)
        own.pop("foregroundColor", None)
    if str(own.setdefault("colorId", "14")) not in CALENDAR_PALETTE:
        raise invalid("Invalid color id.")
    written = replace(entry, body=own, updated=call.google.next_stamp())
    call.google.put_entry(written)
    return _view(call, written)


def _view(call: ApiCall, entry: StoredListEntry) -> JsonObject:
    return entry_view(entry, call.google.find_any_calendar(entry.calendar_id), CALENDAR_PALETTE)
