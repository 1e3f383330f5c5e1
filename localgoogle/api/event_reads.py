"""The methods of `events` that read: get, list and instances."""

from localgoogle.api.call import ApiCall
from localgoogle.api.event_filters import list_instances, select_events
from localgoogle.api.paging import SortKey, read_stamp, read_sync_token, take_page
from localgoogle.events.view import event_view, strip_details
from localgoogle.protocol.errors import invalid, known_error, not_found
from localgoogle.protocol.instants import format_with_milliseconds, from_micros, make_etag
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.records import StoredCalendar, StoredEvent

_DEFAULT_EVENTS_PER_PAGE, _MAX_EVENTS_PER_PAGE = 250, 2500
_NEVER_WITH_SYNC_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin"
)  # fmt: skip
_NO_SYNC_TOKEN_AFTER = frozenset(_NEVER_WITH_SYNC_TOKEN) - {"timeMin", "timeMax"}
_KEPT_BY_SYNC_TOKEN = ("timeMin", "timeMax", "singleEvents", "eventTypes")


def get(call: ApiCall) -> JsonObject:
    """Return one event; a deleted one has the status cancelled."""
    calendar = call.find_calendar()
    _check_details_allowed(call, calendar)
    event = call.google.calendar_events(calendar.id).find(call.path["eventId"], calendar.time_zone)
    if event is None or (event.cancelled and call.google.behaviour.deleted_get == "not_found"):
        raise not_found()
    return show_to_caller(call, event, calendar)


def list_events(call: ApiCall) -> JsonObject:
    """Return a page of the events, or of the changes since a sync token."""
    calendar = call.find_calendar()
    _check_details_allowed(call, calendar)
    _check_order(call)
    stamp = _read_sync_stamp(call, calendar)
    return _page_view(call, calendar, select_events(call, calendar, stamp))


def instances(call: ApiCall) -> JsonObject:
    """Return a page of the occurrences of a series."""
    calendar = call.find_calendar()
    _check_details_allowed(call, calendar)
    series = call.google.calendar_events(calendar.id).get(call.path["eventId"])
    if series is None or series.cancelled:
        raise not_found()
    return _page_view(call, calendar, list_instances(call, calendar, series))


def show_to_caller(call: ApiCall, event: StoredEvent, calendar: StoredCalendar) -> JsonObject:
    """Return the event as the token may see it, in the time zone that the call names."""
    view = event_view(event, calendar, zone=_zone_name(call), site=call.google.url)
    limit = call.query.get("maxAttendees")
    if isinstance(limit, int) and isinstance(guests := view.get("attendees"), list) and len(guests) > limit:
        view |= {"attendees": [guest for guest in guests if guest.get("self")][:limit], "attendeesOmitted": True}
    return view if call.sees_details(event, calendar) else strip_details(view)


def _page_view(call: ApiCall, calendar: StoredCalendar, events: list[StoredEvent]) -> JsonObject:
    size = call.number("maxResults", _DEFAULT_EVENTS_PER_PAGE, _MAX_EVENTS_PER_PAGE)
    key = _start_key if call.text("orderBy") == "startTime" else _change_key
    page, next_token = take_page(call, events, key, size=size, sync=_sync_content(call, calendar))
    items = [show_to_caller(call, event, calendar) for event in page]
    return _list_header(call, calendar) | next_token | {"items": items}


def _list_header(call: ApiCall, calendar: StoredCalendar) -> JsonObject:
    entry = call.google.find_entry(call.caller.email, calendar.id)
    return {
        "kind": "calendar#events",
        "etag": make_etag(call.google.last_stamp),
        "summary": calendar.summary,
        "description": calendar.body.get("description", ""),
        "updated": format_with_milliseconds(from_micros(call.google.last_stamp)),
        "timeZone": _zone_name(call) or calendar.time_zone,
        "accessRole": "freeBusyReader" if call.sees_times_only(calendar) else entry.access_role,
        "defaultReminders": entry.body.get("defaultReminders", []),
    }


def _read_sync_stamp(call: ApiCall, calendar: StoredCalendar) -> int | None:
    """Return the stamp of the call's sync token and add the token's restrictions to the query; None without a token."""
    content = read_sync_token(
        call, {"calendar": calendar.id}, excluded=_NEVER_WITH_SYNC_TOKEN, never_false=["showDeleted"]
    )
    if content is None:
        return None
    if read_stamp(content) < call.google.find_entry(call.caller.email, calendar.id).access_changed:
        raise known_error("fullSyncRequired")
    kept = content.get("query")
    call.query.update(kept if isinstance(kept, dict) else {})
    return read_stamp(content)


def _sync_content(call: ApiCall, calendar: StoredCalendar) -> JsonObject | None:
    if _NO_SYNC_TOKEN_AFTER & call.query.keys():
        return None
    kept = {name: call.query[name] for name in _KEPT_BY_SYNC_TOKEN if name in call.query}
    return {"calendar": calendar.id, "query": kept}


def _change_key(event: StoredEvent) -> SortKey:
    """Return the key that sorts by the last change; the occurrences of a series share theirs."""
    return [f"{event.updated:020}", event.id]


def _start_key(event: StoredEvent) -> SortKey:
    return [event.start.isoformat(), event.id]


def _zone_name(call: ApiCall) -> str:
    name = call.text("timeZone")
    return call.read_zone(name, "timeZone").key if name else ""


def _check_details_allowed(call: ApiCall, calendar: StoredCalendar) -> None:
    if call.sees_times_only(calendar) and call.google.behaviour.freebusy_scope_events == "refuse":
        raise known_error("forbidden")


def _check_order(call: ApiCall) -> None:
    if call.text("orderBy") == "startTime" and not call.flag("singleEvents"):
        raise invalid("The requested ordering is not available for the particular query.", "orderBy")
