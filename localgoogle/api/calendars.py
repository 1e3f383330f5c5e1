"""The methods of `calendars`, and calendars and list entries as Google answers them."""

from dataclasses import replace

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import invalid, required
from localgoogle.protocol.instants import find_zone
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import CANCELLED, StoredCalendar, StoredListEntry

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


def entry_view(entry: StoredListEntry, calendar: StoredCalendar, palette: JsonObject) -> JsonObject:
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


def _colours(entry: StoredListEntry, palette: JsonObject) -> JsonObject:
    colour = palette.get(str(entry.body.get("colorId", "14")))
    named = {f"{k}Color": v for k, v in colour.items()} if isinstance(colour, dict) else {}
    own: JsonObject = {name: entry.body[name] for name in ("backgroundColor", "foregroundColor") if name in entry.body}
    return {**named, **own}


_DERIVED = frozenset({"kind", "etag", "id", "dataOwner", "conferenceProperties"})


def insert(call: ApiCall) -> JsonObject:
    """A new secondary calendar, owned by the user and made by the app."""
    body = check_calendar({"timeZone": "UTC"} | remove_nulls(call.body))
    call.google.quotas.spend_calendar(call.caller.email, call.google.clock())
    return calendar_view(call.google.create_calendar(call.caller.email, body, client_id=call.caller.client_id))


def get(call: ApiCall) -> JsonObject:
    """One calendar."""
    return calendar_view(call.calendar())


def patch(call: ApiCall) -> JsonObject:
    """Changes what the body names."""
    calendar = call.calendar()
    return _write(call, calendar, apply_patch(calendar.body, call.body))


def update(call: ApiCall) -> JsonObject:
    """Replaces all that can be written."""
    calendar = call.calendar()
    return _write(call, calendar, {"timeZone": calendar.time_zone} | remove_nulls(call.body))


def delete(call: ApiCall) -> None:
    """Deletes a secondary calendar with all its events."""
    calendar = call.require_writable(call.calendar())
    if calendar.primary:
        raise invalid("Cannot delete the primary calendar.", "calendarId")
    call.check_match(calendar.etag)
    call.google.delete_calendar(calendar)


def clear(call: ApiCall) -> None:
    """Deletes all events of the primary calendar."""
    calendar = call.calendar()
    if not calendar.primary:
        raise invalid("Only the primary calendar can be cleared.", "calendarId")
    google = call.google
    for event in [event for event in google.calendar_events(calendar.id) if not event.cancelled]:
        google.put_event(replace(event, status=CANCELLED, sequence=event.sequence + 1, updated=google.stamp()))


def check_calendar(body: JsonObject) -> JsonObject:
    """What is kept of a calendar that was written; raises what Google does where it is not in order."""
    if not as_text(body.get("summary")):
        raise required("Missing title.")
    try:
        find_zone(as_text(body.get("timeZone")))
    except ValueError as error:
        raise invalid("Invalid time zone.") from error
    return {name: value for name, value in body.items() if name not in _DERIVED and value != ""}


def _write(call: ApiCall, calendar: StoredCalendar, body: JsonObject) -> JsonObject:
    call.require_writable(calendar)
    call.check_match(calendar.etag)
    written = replace(calendar, body=check_calendar(body), updated=call.google.stamp())
    call.google.put_calendar(written)
    return calendar_view(written)
