"""Events as Google's JSON."""

from base64 import b64encode

from localgoogle.events.times import format_time
from localgoogle.protocol.instants import format_in_seconds, format_with_milliseconds, from_micros
from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text
from localgoogle.state.records import StoredCalendar, StoredEvent

_VISIBLE_WITHOUT_DETAILS = frozenset(
    [
        "kind",
        "etag",
        "id",
        "status",
        "created",
        "updated",
        "start",
        "end",
        "transparency",
        "visibility",
        "iCalUID",
        "sequence",
        "eventType",
        "recurringEventId",
        "originalStartTime",
        "recurrence",
    ]
)


def event_view(event: StoredEvent, calendar: StoredCalendar, *, zone: str = "", site: str = "") -> JsonObject:
    """Return the event as Google's JSON with all its details, its times in ``zone`` or in the calendar's time zone."""
    zone = zone or calendar.time_zone
    view: JsonObject = {
        "kind": "calendar#event",
        "etag": event.etag,
        "id": event.id,
        "status": event.status,
        "htmlLink": _link(event, site),
        "created": format_in_seconds(from_micros(event.created).replace(microsecond=0)),
        "updated": format_with_milliseconds(from_micros(event.updated)),
        **event.body,
        "creator": _person_view(event.creator, calendar),
        "organizer": event.body.get("organizer") or organizer(calendar),
        "start": format_time(as_object(event.body["start"]), calendar.time_zone, zone),
        "end": format_time(as_object(event.body["end"]), calendar.time_zone, zone),
        **_original_start(event, calendar, zone),
        "iCalUID": event.i_cal_uid,
        "sequence": event.sequence,
    }
    if attendees := as_list(event.body.get("attendees")):
        view["attendees"] = [_attendee_view(as_object(attendee), calendar) for attendee in attendees]
    return view


def strip_details(view: JsonObject) -> JsonObject:
    """Return the event's JSON for callers that may see its times only."""
    return {key: value for key, value in view.items() if key in _VISIBLE_WITHOUT_DETAILS}


def organizer(calendar: StoredCalendar) -> JsonObject:
    """Return the organizer of an event without another one: the calendar itself."""
    name: JsonObject = {} if calendar.primary else {"displayName": calendar.summary}
    return {"email": calendar.id, **name, "self": True}


def _original_start(event: StoredEvent, calendar: StoredCalendar, zone: str) -> JsonObject:
    original = as_object(event.body.get("originalStartTime"))
    return {"originalStartTime": format_time(original, calendar.time_zone, zone)} if original else {}


def _person_view(email: str, calendar: StoredCalendar) -> JsonObject:
    return {"email": email, **({"self": True} if calendar.is_self(email) else {})}


def _attendee_view(attendee: JsonObject, calendar: StoredCalendar) -> JsonObject:
    return attendee | ({"self": True} if calendar.is_self(as_text(attendee.get("email"))) else {})


def _link(event: StoredEvent, site: str) -> str:
    place = b64encode(f"{event.id} {event.calendar_id}".encode()).decode().rstrip("=")
    return f"{site}/calendar/event?eid={place}"
