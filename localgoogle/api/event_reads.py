"""The methods of `events` that read: get, list and instances."""

from localgoogle.api.call import ApiCall
from localgoogle.api.event_filters import list_instances, select_events
from localgoogle.api.paging import build_sync_token, read_sync_stamp, take_page
from localgoogle.events.view import event_view, strip_details
from localgoogle.protocol.errors import invalid, known_error, not_found
from localgoogle.protocol.instants import find_zone, format_with_milliseconds, from_micros, make_etag
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.records import StoredCalendar, StoredEvent


def get(call: ApiCall) -> JsonObject:
    """One event, a deleted one with its status cancelled."""
    calendar = call.calendar()
    _check_details_allowed(call, calendar)
    event = call.google.calendar_events(calendar.id).find(call.path["eventId"], calendar.time_zone)
    if event is None or (event.cancelled and call.google.behaviour.deleted_get == "not_found"):
        raise not_found()
    return show_to_caller(call, event, calendar)


def list_events(call: ApiCall) -> JsonObject:
    """A page of the events, or of what changed since a sync token."""
    calendar = call.calendar()
    _check_details_allowed(call, calendar)
    _check_order(call)
    stamp = read_sync_stamp(call, calendar)
    return _page(call, calendar, select_events(call, calendar, stamp))


def instances(call: ApiCall) -> JsonObject:
    """A page of the occurrences of a series."""
    calendar = call.calendar()
    _check_details_allowed(call, calendar)
    series = call.google.calendar_events(calendar.id).get(call.path["eventId"])
    if series is None or series.cancelled:
        raise not_found()
    return _page(call, calendar, list_instances(call, calendar, series))


def show_to_caller(call: ApiCall, event: StoredEvent, calendar: StoredCalendar) -> JsonObject:
    """The event as the token may see it, in the zone that was asked for."""
    shown = event_view(event, calendar, zone=_zone(call), site=call.google.url)
    most = call.query.get("maxAttendees")
    if isinstance(most, int) and isinstance(guests := shown.get("attendees"), list) and len(guests) > most:
        shown |= {"attendees": [guest for guest in guests if guest.get("self")][:most], "attendeesOmitted": True}
    return strip_details(shown) if call.sees_times_only(calendar) else shown


def _page(call: ApiCall, calendar: StoredCalendar, events: list[StoredEvent]) -> JsonObject:
    page, next_page = take_page(call, events)
    answer = _list_header(call, calendar)
    if next_page:
        answer["nextPageToken"] = next_page
    elif token := build_sync_token(call, calendar):
        answer["nextSyncToken"] = token
    return answer | {"items": [show_to_caller(call, event, calendar) for event in page]}


def _zone(call: ApiCall) -> str:
    name = call.text("timeZone")
    try:
        return find_zone(name).key if name else ""
    except ValueError as error:
        raise invalid("Invalid time zone.", "timeZone") from error


def _list_header(call: ApiCall, calendar: StoredCalendar) -> JsonObject:
    entry = call.google.entry(calendar.owner, calendar.id)
    return {
        "kind": "calendar#events",
        "etag": make_etag(call.google.last_stamp),
        "summary": calendar.summary,
        "description": calendar.body.get("description", ""),
        "updated": format_with_milliseconds(from_micros(call.google.last_stamp)),
        "timeZone": _zone(call) or calendar.time_zone,
        "accessRole": "freeBusyReader" if call.sees_times_only(calendar) else entry.access_role,
        "defaultReminders": entry.body.get("defaultReminders", []),
    }


def _check_details_allowed(call: ApiCall, calendar: StoredCalendar) -> None:
    if call.sees_times_only(calendar) and call.google.behaviour.freebusy_scope_events == "refuse":
        raise known_error("forbidden")


def _check_order(call: ApiCall) -> None:
    if call.text("orderBy") == "startTime" and not call.flag("singleEvents"):
        raise invalid("The requested ordering is not available for the particular query.", "orderBy")
