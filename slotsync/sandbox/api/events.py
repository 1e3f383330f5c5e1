"""Reading events: events.get and events.list."""

from datetime import datetime, timedelta

from slotsync.sandbox import event_view
from slotsync.sandbox.api.event_pages import page_of, since, sync_token
from slotsync.sandbox.api_error import invalid, known_error, not_found
from slotsync.sandbox.call import Call
from slotsync.sandbox.event_book import touches
from slotsync.sandbox.instants import etag_of, from_micros, to_micros, with_milliseconds, zone
from slotsync.sandbox.json_types import JsonObject, as_object
from slotsync.sandbox.stored import StoredCalendar, StoredEvent

_OLDEST_UPDATED_MIN = timedelta(days=30)
_SEARCHED = ("summary", "description", "location")


def get(call: Call) -> JsonObject:
    """One event, a deleted one with its status cancelled."""
    calendar = call.calendar()
    _check_bare(call, calendar)
    event = call.google.book(calendar.id).get(call.path["eventId"])
    if event is None or (event.cancelled and call.google.behaviour.deleted_get == "not_found"):
        raise not_found()
    return view(call, event, calendar)


def list_events(call: Call) -> JsonObject:
    """A page of the events, or of what changed since a sync token."""
    calendar = call.calendar()
    _check_bare(call, calendar)
    _check_order(call)
    stamp = since(call, calendar)
    page, next_page = page_of(call, _found(call, calendar, stamp))
    answer = _head(call, calendar)
    if next_page:
        answer["nextPageToken"] = next_page
    elif token := sync_token(call, calendar):
        answer["nextSyncToken"] = token
    return answer | {"items": [view(call, event, calendar) for event in page]}


def view(call: Call, event: StoredEvent, calendar: StoredCalendar) -> JsonObject:
    """The event as the token may see it, in the zone that was asked for."""
    shown = event_view.full(event, calendar, zone=_zone(call), site=call.google.url)
    most = call.query.get("maxAttendees")
    if isinstance(most, int) and isinstance(guests := shown.get("attendees"), list) and len(guests) > most:
        shown |= {"attendees": [guest for guest in guests if guest.get("self")][:most], "attendeesOmitted": True}
    return event_view.bare(shown) if call.bare(calendar) else shown


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


def _found(call: Call, calendar: StoredCalendar, stamp: int | None) -> list[StoredEvent]:
    book = call.google.book(calendar.id)
    start, end = _instant(call, "timeMin"), _instant(call, "timeMax")
    if start and end and end <= start:
        raise known_error("timeRangeEmpty")
    if stamp is not None:
        return [e for e in book.changed_since(stamp) if e.cancelled or touches(e, start, end)]
    events = sorted(book.between(start, end), key=lambda e: e.updated) if start and end else list(book)
    changed_after = _updated_min(call)
    deleted_too = call.flag("showDeleted") or (
        "updatedMin" in call.query and call.query.get("showDeleted") is not False
    )
    return [
        event
        for event in events
        if (deleted_too or not event.cancelled)
        and event.updated >= changed_after
        and touches(event, start, end)
        and _matches(call, event)
    ]


def _instant(call: Call, name: str) -> datetime | None:
    text = call.text(name)
    return datetime.fromisoformat(text) if text else None


def _updated_min(call: Call) -> int:
    instant = _instant(call, "updatedMin")
    if instant is None:
        return 0
    if instant < call.google.clock() - _OLDEST_UPDATED_MIN:
        raise known_error("updatedMinTooLongAgo")
    return to_micros(instant)


def _matches(call: Call, event: StoredEvent) -> bool:
    types, uid, text = call.texts("eventTypes"), call.text("iCalUID"), call.text("q")
    return (
        (not types or event.body.get("eventType") in types)
        and uid in {"", event.i_cal_uid}
        and (not text or _mentions(event, text))
        and _has_properties(event, "private", call.texts("privateExtendedProperty"))
        and _has_properties(event, "shared", call.texts("sharedExtendedProperty"))
    )


def _mentions(event: StoredEvent, text: str) -> bool:
    guests = event.body.get("attendees")
    told = " ".join([*(str(event.body.get(name, "")) for name in _SEARCHED), str(guests or "")]).casefold()
    return all(word in told for word in text.casefold().split())


def _has_properties(event: StoredEvent, scope: str, wanted: list[str]) -> bool:
    """Whether all constraints hold; Google's document says all, though its guide reads otherwise."""
    properties = as_object(as_object(event.body.get("extendedProperties")).get(scope))
    pairs = (constraint.partition("=") for constraint in wanted)
    return all(properties.get(name) == value for name, _, value in pairs)
