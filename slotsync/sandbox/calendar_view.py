"""Calendars and entries of the calendar list as Google answers them."""

from slotsync.sandbox.json_types import JsonObject
from slotsync.sandbox.stored import ListEntry, StoredCalendar

_CONFERENCES: JsonObject = {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}
_SHARED = ("summary", "description", "location", "timeZone")
_NOTIFICATIONS: JsonObject = {
    "notifications": [
        {"type": kind, "method": "email"} for kind in ("eventCreation", "eventChange", "eventCancellation")
    ]
}


def calendar_view(calendar: StoredCalendar) -> JsonObject:
    """The calendar itself."""
    view: JsonObject = {"kind": "calendar#calendar", "etag": calendar.etag, "id": calendar.id, **calendar.body}
    view |= {"timeZone": calendar.time_zone, "conferenceProperties": _CONFERENCES}
    return view if calendar.primary else view | {"dataOwner": calendar.owner}


def entry_view(entry: ListEntry, calendar: StoredCalendar, palette: JsonObject) -> JsonObject:
    """The calendar as one user has it in the list."""
    head: JsonObject = {"kind": "calendar#calendarListEntry", "etag": entry.etag, "id": calendar.id}
    if entry.deleted:
        return head | {"deleted": True}
    view = head | {name: calendar.body[name] for name in _SHARED if name in calendar.body} | entry.body
    view |= {
        "timeZone": calendar.time_zone,
        "accessRole": entry.access_role,
        "defaultReminders": entry.body.get("defaultReminders", []),
        "conferenceProperties": _CONFERENCES,
    }
    view |= _colours(entry, palette)
    if calendar.primary:
        return view | {"primary": True, "notificationSettings": entry.body.get("notificationSettings", _NOTIFICATIONS)}
    return view | {"dataOwner": calendar.owner}


def _colours(entry: ListEntry, palette: JsonObject) -> JsonObject:
    colour = palette.get(str(entry.body.get("colorId", "14")))
    named = {f"{k}Color": v for k, v in colour.items()} if isinstance(colour, dict) else {}
    own: JsonObject = {name: entry.body[name] for name in ("backgroundColor", "foregroundColor") if name in entry.body}
    return {**named, **own}
