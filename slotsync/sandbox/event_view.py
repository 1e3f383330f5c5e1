"""Events as Google answers them."""

from base64 import b64encode

from slotsync.sandbox import instants
from slotsync.sandbox.event_times import shown
from slotsync.sandbox.json_types import JsonObject, as_list, as_object
from slotsync.sandbox.stored import StoredCalendar, StoredEvent

_BARE = frozenset(
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


def full(event: StoredEvent, calendar: StoredCalendar, *, zone: str = "", site: str = "") -> JsonObject:
    """The event with all its details, its times in ``zone`` or in the calendar's."""
    zone = zone or calendar.time_zone
    view: JsonObject = {
        "kind": "calendar#event",
        "etag": event.etag,
        "id": event.id,
        "status": event.status,
        "htmlLink": _link(event, site),
        "created": instants.in_utc(instants.from_micros(event.created).replace(microsecond=0)),
        "updated": instants.with_milliseconds(instants.from_micros(event.updated)),
        **event.body,
        "creator": _person(event.creator, calendar),
        "organizer": event.body.get("organizer") or organizer(calendar),
        "start": shown(as_object(event.body["start"]), calendar.time_zone, zone),
        "end": shown(as_object(event.body["end"]), calendar.time_zone, zone),
        **_original_start(event, calendar, zone),
        "iCalUID": event.i_cal_uid,
        "sequence": event.sequence,
    }
    if attendees := as_list(event.body.get("attendees")):
        view["attendees"] = [_attendee(as_object(attendee), calendar) for attendee in attendees]
    return view


def bare(view: JsonObject) -> JsonObject:
    """The event for eyes that may only see when it is."""
    return {key: value for key, value in view.items() if key in _BARE}


def organizer(calendar: StoredCalendar) -> JsonObject:
    """Whose event it is: the calendar's."""
    name: JsonObject = {} if calendar.primary else {"displayName": calendar.summary}
    return {"email": calendar.id, **name, "self": True}


def _original_start(event: StoredEvent, calendar: StoredCalendar, zone: str) -> JsonObject:
    original = as_object(event.body.get("originalStartTime"))
    return {"originalStartTime": shown(original, calendar.time_zone, zone)} if original else {}


def _person(email: str, calendar: StoredCalendar) -> JsonObject:
    return {"email": email, **({"self": True} if email == calendar.id else {})}


def _attendee(attendee: JsonObject, calendar: StoredCalendar) -> JsonObject:
    email = attendee.get("email")
    return attendee | ({"self": True} if email == calendar.id else {})


def _link(event: StoredEvent, site: str) -> str:
    place = b64encode(f"{event.id} {event.calendar_id}".encode()).decode().rstrip("=")
    return f"{site}/calendar/event?eid={place}"
