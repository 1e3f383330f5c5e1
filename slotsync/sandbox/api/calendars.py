"""calendars.*."""

from dataclasses import replace

from slotsync.sandbox.api_error import invalid, required
from slotsync.sandbox.calendar_view import calendar_view
from slotsync.sandbox.call import Call
from slotsync.sandbox.instants import zone
from slotsync.sandbox.json_types import JsonObject, as_text
from slotsync.sandbox.merging import merged, without_nulls
from slotsync.sandbox.stored import CANCELLED, StoredCalendar

_DERIVED = frozenset({"kind", "etag", "id", "dataOwner", "conferenceProperties"})


def insert(call: Call) -> JsonObject:
    """A new secondary calendar, owned by the user and made by the app."""
    body = kept_calendar({"timeZone": "UTC"} | without_nulls(call.body))
    call.google.quotas.spend_calendar(call.caller.email, call.google.clock())
    return calendar_view(call.google.create_calendar(call.caller.email, body, client_id=call.caller.client_id))


def get(call: Call) -> JsonObject:
    """One calendar."""
    return calendar_view(call.calendar())


def patch(call: Call) -> JsonObject:
    """Changes what the body names."""
    calendar = call.calendar()
    return _write(call, calendar, merged(calendar.body, call.body))


def update(call: Call) -> JsonObject:
    """Replaces all that can be written."""
    calendar = call.calendar()
    return _write(call, calendar, {"timeZone": calendar.time_zone} | without_nulls(call.body))


def delete(call: Call) -> None:
    """Deletes a secondary calendar with all its events."""
    calendar = call.writable(call.calendar())
    if calendar.primary:
        raise invalid("Cannot delete the primary calendar.", "calendarId")
    call.check_match(calendar.etag)
    call.google.delete_calendar(calendar)


def clear(call: Call) -> None:
    """Deletes all events of the primary calendar."""
    calendar = call.calendar()
    if not calendar.primary:
        raise invalid("Only the primary calendar can be cleared.", "calendarId")
    google = call.google
    for event in [event for event in google.book(calendar.id) if not event.cancelled]:
        google.put_event(replace(event, status=CANCELLED, sequence=event.sequence + 1, updated=google.stamp()))


def kept_calendar(body: JsonObject) -> JsonObject:
    """What is kept of a calendar that was written; raises what Google does where it is not in order."""
    if not as_text(body.get("summary")):
        raise required("Missing title.")
    try:
        zone(as_text(body.get("timeZone")))
    except ValueError as error:
        raise invalid("Invalid time zone.") from error
    return {name: value for name, value in body.items() if name not in _DERIVED and value != ""}


def _write(call: Call, calendar: StoredCalendar, body: JsonObject) -> JsonObject:
    call.writable(calendar)
    call.check_match(calendar.etag)
    written = replace(calendar, body=kept_calendar(body), updated=call.google.stamp())
    call.google.put_calendar(written)
    return calendar_view(written)
