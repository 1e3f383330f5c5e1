"""Reading events: events.get and events.list."""

from slotsync.sandbox import event_view
from slotsync.sandbox.api.event_pages import page_of, since, sync_token
from slotsync.sandbox.api.event_query import instances_of, selected
from slotsync.sandbox.api_error import invalid, known_error, not_found
from slotsync.sandbox.call import Call
from slotsync.sandbox.instants import etag_of, from_micros, with_milliseconds, zone
from slotsync.sandbox.json_types import JsonObject
from slotsync.sandbox.stored import StoredCalendar, StoredEvent


def get(call: Call) -> JsonObject:
    """One event, a deleted one with its status cancelled."""
    calendar = call.calendar()
    _check_bare(call, calendar)
    event = call.google.book(calendar.id).find(call.path["eventId"], calendar.time_zone)
    if event is None or (event.cancelled and call.google.behaviour.deleted_get == "not_found"):
        raise not_found()
    return view(call, event, calendar)


def list_events(call: Call) -> JsonObject:
    """A page of the events, or of what changed since a sync token."""
    calendar = call.calendar()
    _check_bare(call, calendar)
    _check_order(call)
    stamp = since(call, calendar)
    return _page(call, calendar, selected(call, calendar, stamp))


def instances(call: Call) -> JsonObject:
    """A page of the occurrences of a series."""
    calendar = call.calendar()
    _check_bare(call, calendar)
    series = call.google.book(calendar.id).get(call.path["eventId"])
    if series is None or series.cancelled:
        raise not_found()
    return _page(call, calendar, instances_of(call, calendar, series))


def view(call: Call, event: StoredEvent, calendar: StoredCalendar) -> JsonObject:
    """The event as the token may see it, in the zone that was asked for."""
    shown = event_view.full(event, calendar, zone=_zone(call), site=call.google.url)
    most = call.query.get("maxAttendees")
    if isinstance(most, int) and isinstance(guests := shown.get("attendees"), list) and len(guests) > most:
        shown |= {"attendees": [guest for guest in guests if guest.get("self")][:most], "attendeesOmitted": True}
    return event_view.bare(shown) if call.bare(calendar) else shown


def _page(call: Call, calendar: StoredCalendar, events: list[StoredEvent]) -> JsonObject:
    page, next_page = page_of(call, events)
    answer = _head(call, calendar)
    if next_page:
        answer["nextPageToken"] = next_page
    elif token := sync_token(call, calendar):
        answer["nextSyncToken"] = token
    return answer | {"items": [view(call, event, calendar) for event in page]}


def _zone(call: Call) -> str:
    name = call.text("timeZone")
    try:
        return zone(name).key if name else ""
    except ValueError as error:
        raise invalid("Invalid time zone.", "timeZone") from error


def _head(call: Call, calendar: StoredCalendar) -> JsonObject:
    entry = call.google.entry(calendar.owner, calendar.id)
    return {
        "kind": "calendar#events",
        "etag": etag_of(call.google.last_stamp),
        "summary": calendar.summary,
        "description": calendar.body.get("description", ""),
        "updated": with_milliseconds(from_micros(call.google.last_stamp)),
        "timeZone": _zone(call) or calendar.time_zone,
        "accessRole": "freeBusyReader" if call.bare(calendar) else entry.access_role,
        "defaultReminders": entry.body.get("defaultReminders", []),
    }


def _check_bare(call: Call, calendar: StoredCalendar) -> None:
    if call.bare(calendar) and call.google.behaviour.freebusy_scope_events == "refuse":
        raise known_error("forbidden")


def _check_order(call: Call) -> None:
    if call.text("orderBy") == "startTime" and not call.flag("singleEvents"):
        raise invalid("The requested ordering is not available for the particular query.", "orderBy")
