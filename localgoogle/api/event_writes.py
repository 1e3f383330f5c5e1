"""The methods of `events` that write: insert, import, update, patch, delete and move."""

import re
import secrets
from base64 import b32hexencode
from dataclasses import replace

from localgoogle.api.call import ApiCall
from localgoogle.api.event_checks import check_duration, check_zones
from localgoogle.api.event_reads import show_to_caller
from localgoogle.events.versions import EventDraft, build_next_version, writable_body
from localgoogle.events.view import event_view
from localgoogle.protocol.errors import invalid, known_error, not_found, required
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import CANCELLED, StoredCalendar, StoredEvent

_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")


def insert(call: ApiCall) -> JsonObject:
    """Create an event and return it. An id that was ever in use is refused as a duplicate."""
    calendar = call.require_writable(call.find_calendar())
    check_zones(call)
    event_id = as_text(call.body.get("id")) or new_event_id()
    if not _EVENT_ID.fullmatch(event_id):
        raise invalid("Invalid resource id value.")
    if call.google.calendar_events(calendar.id).get(event_id):
        raise known_error("duplicate")
    uid = as_text(call.body.get("iCalUID"))
    if uid and call.google.calendar_events(calendar.id).find_by_uid(uid):
        raise known_error("duplicate")
    body = remove_nulls(_written_fields(call)) | {"organizer": {}}
    return _write(call, calendar, _build_event(call, calendar, event_id, body))


def import_event(call: ApiCall) -> JsonObject:
    """Create a private copy of an event from elsewhere, or change the one with its iCalUID, and return it."""
    calendar = call.require_writable(call.find_calendar())
    check_zones(call)
    body = remove_nulls(_written_fields(call))
    uid = as_text(body.get("iCalUID"))
    if not uid:
        raise required("Missing iCalUID.")
    if body.get("eventType", "default") != "default":
        raise invalid("Only default events can be imported.")
    before = call.google.calendar_events(calendar.id).find_by_uid(uid)
    if before is None:
        return _write(call, calendar, _build_event(call, calendar, new_event_id(), body))
    body = {"status": "confirmed"} | body | _ignored_fields(call, before)
    return _write(call, calendar, build_next_version(before, body, calendar, call.google.next_stamp()))


def update(call: ApiCall) -> JsonObject:
    """Replace the event and return it; fields that the body omits are cleared."""
    calendar, event = _find_target(call)
    check_zones(call)
    return _change(call, calendar, event, remove_nulls(_written_fields(call)) | _ignored_fields(call, event))


def patch(call: ApiCall) -> JsonObject:
    """Change the fields that the body names, and return the event. A body without status changes no deleted event."""
    calendar, event = _find_target(call)
    if event.cancelled and call.body.get("status") in {None, CANCELLED}:
        return show_to_caller(call, event, calendar)
    check_zones(call)
    written = {name: v for name, v in _written_fields(call).items() if v is not None or name != "status"}
    return _change(call, calendar, event, apply_patch(writable_body(event), written))


def delete(call: ApiCall) -> None:
    """Delete the event; its id stays in use."""
    _, event = _find_target(call)
    if event.cancelled:
        raise known_error("deleted")
    call.google.put_event(event.cancel(call.google.next_stamp()))


def move(call: ApiCall) -> JsonObject:
    """Move the event to another calendar, where it keeps its id, and return it. It can be moved back."""
    calendar, event = _find_target(call)
    target = call.require_writable(call.find_visible_calendar(call.text("destination")))
    if event.cancelled or event.series_id or event.body.get("eventType") != "default":
        raise invalid("Only living default events can be moved, and no single occurrences.")
    there = call.google.calendar_events(target.id).get(event.id)
    if there and not there.cancelled:
        raise known_error("duplicate")
    exceptions = call.google.calendar_events(calendar.id).list_exceptions(event.id)
    call.google.put_event(event.leave_behind(call.google.next_stamp()))
    for each in exceptions:
        call.google.put_event(_moved(call, each, target))
    return _store(call, target, _moved(call, event, target))


def _moved(call: ApiCall, event: StoredEvent, target: StoredCalendar) -> StoredEvent:
    return replace(event, calendar_id=target.id, updated=call.google.next_stamp())


def new_event_id() -> str:
    """Return an id of Google's form: 26 characters of base32hex."""
    return b32hexencode(secrets.token_bytes(16)).decode().lower().rstrip("=")


def _written_fields(call: ApiCall) -> JsonObject:
    """Return the body that the client wrote, without conference data if Google ignores it."""
    return {name: value for name, value in call.body.items() if name != "conferenceData" or _has_conferences(call)}


def _ignored_fields(call: ApiCall, event: StoredEvent) -> JsonObject:
    """Return the event's fields that a write of the whole body leaves as they are."""
    kept = event.body.get("conferenceData")
    return {"conferenceData": kept} if kept and not _has_conferences(call) else {}


def _has_conferences(call: ApiCall) -> bool:
    """Return whether the client supports conference data: by default it does not. People always do."""
    return call.by_hand or call.query.get("conferenceDataVersion") == 1


def _build_event(call: ApiCall, calendar: StoredCalendar, event_id: str, body: JsonObject) -> StoredEvent:
    return EventDraft(body, calendar).build_event(event_id, call.caller.email, call.google.next_stamp())


def _find_target(call: ApiCall) -> tuple[StoredCalendar, StoredEvent]:
    calendar = call.require_writable(call.find_calendar())
    event = call.google.calendar_events(calendar.id).find(call.path["eventId"], calendar.time_zone)
    if event is None:
        raise not_found()
    call.check_match(event.etag)
    return calendar, event


def _change(call: ApiCall, calendar: StoredCalendar, event: StoredEvent, body: JsonObject) -> JsonObject:
    if event.cancelled:
        revives = body.get("status") in {"confirmed", "tentative"}
        body = body if revives and _may_revive(call) else body | {"status": CANCELLED}
    return _write(call, calendar, build_next_version(event, body, calendar, call.google.next_stamp()))


def _may_revive(call: ApiCall) -> bool:
    if call.google.behaviour.resurrect == "refuse":
        raise known_error("forbidden")
    return call.google.behaviour.resurrect == "allow"


def _write(call: ApiCall, calendar: StoredCalendar, event: StoredEvent) -> JsonObject:
    check_duration(call, event)
    return _store(call, calendar, event)


def _store(call: ApiCall, calendar: StoredCalendar, event: StoredEvent) -> JsonObject:
    call.google.put_event(event)
    return event_view(event, calendar, site=call.google.url)
