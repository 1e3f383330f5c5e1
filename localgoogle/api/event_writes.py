"""The methods of `events` that write: insert, import, update, patch, delete and move."""

import re
import secrets
from base64 import b32hexencode
from dataclasses import replace

from localgoogle.api.call import ApiCall
from localgoogle.api.event_reads import show_to_caller
from localgoogle.events.versions import EventDraft, build_next_version, writable_body
from localgoogle.events.view import event_view
from localgoogle.protocol.errors import invalid, known_error, not_found, required
from localgoogle.protocol.json_values import JsonObject, apply_patch, as_text, remove_nulls
from localgoogle.state.records import CANCELLED, StoredCalendar, StoredEvent

_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")


def insert(call: ApiCall) -> JsonObject:
    """A new event. An id that was ever used stays taken."""
    calendar = call.require_writable(call.calendar())
    event_id = as_text(call.body.get("id")) or new_event_id()
    if not _EVENT_ID.fullmatch(event_id):
        raise invalid("Invalid resource id value.")
    if call.google.calendar_events(calendar.id).get(event_id):
        raise known_error("duplicate")
    uid = as_text(call.body.get("iCalUID"))
    if uid and call.google.calendar_events(calendar.id).by_uid(uid):
        raise known_error("duplicate")
    return _put(call, calendar, _new(call, calendar, event_id, remove_nulls(call.body) | {"organizer": {}}))


def import_event(call: ApiCall) -> JsonObject:
    """A private copy of an event from elsewhere; what was imported before under its iCalUID is changed."""
    calendar = call.require_writable(call.calendar())
    body = remove_nulls(call.body)
    uid = as_text(body.get("iCalUID"))
    if not uid:
        raise required("Missing iCalUID.")
    if body.get("eventType", "default") != "default":
        raise invalid("Only default events can be imported.")
    before = call.google.calendar_events(calendar.id).by_uid(uid)
    if before is None:
        return _put(call, calendar, _new(call, calendar, new_event_id(), body))
    return _put(
        call, calendar, build_next_version(before, {"status": "confirmed"} | body, calendar, call.google.stamp())
    )


def update(call: ApiCall) -> JsonObject:
    """Replaces the event: what the body omits is cleared."""
    calendar, event = _target(call)
    return _change(call, calendar, event, remove_nulls(call.body))


def patch(call: ApiCall) -> JsonObject:
    """Changes what the body names. Without a status a deleted event stays deleted, and nothing happens."""
    calendar, event = _target(call)
    if event.cancelled and call.body.get("status") in {None, CANCELLED}:
        return show_to_caller(call, event, calendar)
    body = apply_patch(
        writable_body(event), {name: v for name, v in call.body.items() if v is not None or name != "status"}
    )
    return _change(call, calendar, event, body)


def delete(call: ApiCall) -> None:
    """Deletes the event; its id stays taken."""
    _, event = _target(call)
    if event.cancelled:
        raise known_error("deleted")
    call.google.put_event(cancel(event, call.google.stamp()))


def move(call: ApiCall) -> JsonObject:
    """Deletes the event here and lets it live on, under its id, in another calendar."""
    _, event = _target(call)
    target = call.require_writable(call.visible_calendar(call.text("destination")))
    if event.cancelled or event.body.get("eventType") != "default":
        raise invalid("Only living default events can be moved.")
    if call.google.calendar_events(target.id).get(event.id):
        raise known_error("duplicate")
    call.google.put_event(cancel(event, call.google.stamp()))
    return _put(call, target, replace(event, calendar_id=target.id, updated=call.google.stamp()))


def cancel(event: StoredEvent, stamp: int) -> StoredEvent:
    """The event once it is deleted."""
    return replace(event, status=CANCELLED, sequence=event.sequence + 1, updated=stamp)


def new_event_id() -> str:
    """An id as Google makes them: 26 characters of base32hex."""
    return b32hexencode(secrets.token_bytes(16)).decode().lower().rstrip("=")


def _new(call: ApiCall, calendar: StoredCalendar, event_id: str, body: JsonObject) -> StoredEvent:
    return EventDraft(body, calendar).event(event_id, call.caller.email, call.google.stamp())


def _target(call: ApiCall) -> tuple[StoredCalendar, StoredEvent]:
    calendar = call.require_writable(call.calendar())
    event = call.google.calendar_events(calendar.id).get(call.path["eventId"])
    if event is None:
        raise not_found()
    call.check_match(event.etag)
    return calendar, event


def _change(call: ApiCall, calendar: StoredCalendar, event: StoredEvent, body: JsonObject) -> JsonObject:
    if event.cancelled:
        revives = body.get("status") in {"confirmed", "tentative"}
        body = body if revives and _may_revive(call) else body | {"status": CANCELLED}
    return _put(call, calendar, build_next_version(event, body, calendar, call.google.stamp()))


def _may_revive(call: ApiCall) -> bool:
    if call.google.behaviour.resurrect == "refuse":
        raise known_error("forbidden")
    return call.google.behaviour.resurrect == "allow"


def _put(call: ApiCall, calendar: StoredCalendar, event: StoredEvent) -> JsonObject:
    call.google.put_event(event)
    return event_view(event, calendar, site=call.google.url)
