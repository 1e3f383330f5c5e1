"""The methods of `calendars`, and the JSON of calendars and of calendar list entries."""

from dataclasses import replace

from localgoogle.api.call import ApiCall
from localgoogle.protocol.arguments import read_zone
from localgoogle.protocol.errors import invalid, known_error, required
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import StoredCalendar, StoredListEntry

_DERIVED_FIELDS = frozenset({"kind", "etag", "id", "dataOwner", "conferenceProperties"})
_FIELDS_SHOWN_IN_LIST = ("summary", "description", "location", "timeZone")
_CONFERENCES: JsonObject = {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}
_NOTIFICATIONS: JsonObject = {
    "notifications": [
        {"type": kind, "method": "email"} for kind in ("eventCreation", "eventChange", "eventCancellation")
    ]
}


def insert(call: ApiCall) -> JsonObject:
    """Create a secondary calendar that the user owns, and return it; the app counts as its creator."""
    _check_zone(call)
    body = check_calendar({"timeZone": "UTC"} | remove_nulls(call.body))
    call.google.quotas.spend_calendar(call.caller.email, call.google.clock())
    return calendar_view(call.google.create_calendar(call.caller.email, body, client_id=call.caller.client_id))


def get(call: ApiCall) -> JsonObject:
    """Return one calendar."""
    return calendar_view(call.find_calendar())


def patch(call: ApiCall) -> JsonObject:
    """Change the fields that the body names, and return the calendar."""
    calendar = call.find_calendar()
    return _write(call, calendar, apply_patch(calendar.body, call.body))


def update(call: ApiCall) -> JsonObject:
    """Replace all fields that can be written, and return the calendar."""
    calendar = call.find_calendar()
    return _write(call, calendar, {"timeZone": calendar.time_zone} | remove_nulls(call.body))


def delete(call: ApiCall) -> None:
    """Delete a secondary calendar with all its events; only its data owner can."""
    calendar = call.require_writable(call.find_calendar())
    if calendar.primary:
        raise invalid("Cannot delete the primary calendar.", "calendarId")
    if calendar.owner != call.caller.email:
        raise known_error("requiredAccessLevel")
    call.check_match(calendar.etag)
    call.google.delete_calendar(calendar)


def clear(call: ApiCall) -> None:
    """Delete all events of the primary calendar."""
    calendar = call.find_calendar()
    if not calendar.primary:
        raise invalid("Only the primary calendar can be cleared.", "calendarId")
    google = call.google
    for event in [event for event in google.calendar_events(calendar.id) if not event.cancelled]:
        google.put_event(event.cancel(google.next_stamp()))


def check_calendar(body: JsonObject) -> JsonObject:
    """Return the fields to keep of a calendar that a client wrote.

    Raises:
        CalendarApiError: ``required`` without a title, ``invalid`` for an unknown time zone.
    """
    if not as_text(body.get("summary")):
        raise required("Missing title.")
    read_zone(as_text(body.get("timeZone")))
    return {name: value for name, value in body.items() if name not in _DERIVED_FIELDS and value != ""}


def calendar_view(calendar: StoredCalendar) -> JsonObject:
    """Return the calendar as Google's JSON."""
    view: JsonObject = {"kind": "calendar#calendar", "etag": calendar.etag, "id": calendar.id, **calendar.body}
    view |= {"timeZone": calendar.time_zone, "conferenceProperties": _CONFERENCES}
    return view if calendar.primary else view | {"dataOwner": calendar.owner}


def entry_view(entry: StoredListEntry, calendar: StoredCalendar, palette: JsonObject) -> JsonObject:
    """Return the calendar's entry in one user's list as Google's JSON."""
    head: JsonObject = {"kind": "calendar#calendarListEntry", "etag": entry.etag, "id": calendar.id}
    if entry.deleted:
        return head | {"deleted": True}
    view = head | {name: calendar.body[name] for name in _FIELDS_SHOWN_IN_LIST if name in calendar.body} | entry.body
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


def _colours(entry: StoredListEntry, palette: JsonObject) -> JsonObject:
    colour = palette.get(str(entry.body.get("colorId", "14")))
    named = {f"{k}Color": v for k, v in colour.items()} if isinstance(colour, dict) else {}
    own: JsonObject = {name: entry.body[name] for name in ("backgroundColor", "foregroundColor") if name in entry.body}
    return {**named, **own}


def _check_zone(call: ApiCall) -> None:
    """Check the zone that the call names; one that a calendar has already is not checked again."""
    if name := as_text(call.body.get("timeZone")):
        call.read_zone(name)


def _write(call: ApiCall, calendar: StoredCalendar, body: JsonObject) -> JsonObject:
    _check_zone(call)
    call.require_writable(calendar)
    call.check_match(calendar.etag)
    written = replace(calendar, body=check_calendar(body), updated=call.google.next_stamp())
    call.google.put_calendar(written)
    return calendar_view(written)
