"""Pages of a list, and the opaque page and sync tokens."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from localgoogle.api.call import ApiCall
from localgoogle.protocol.errors import invalid, known_error
from localgoogle.protocol.json_values import JsonObject, as_list, as_object
from localgoogle.state.records import StoredCalendar, StoredEvent


def write_token(content: JsonObject) -> str:
    """A token with this content."""
    return urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def read_token(token: str, parameter: str) -> JsonObject:
    """The content of a token; raises Google's ``invalid`` where it is none of ours."""
    try:
        content: object = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError as error:
        raise invalid(f"Invalid {parameter} value.", parameter) from error
    return as_object(content)


_DEFAULT_EVENTS_PER_PAGE, _MAX_EVENTS_PER_PAGE = 250, 2500
_NEVER_WITH_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin"
)  # fmt: skip
_NO_TOKEN_AFTER = frozenset(_NEVER_WITH_TOKEN) - {"timeMin", "timeMax"}
_KEPT_BY_TOKEN = ("timeMin", "timeMax", "singleEvents", "eventTypes")


def read_sync_stamp(call: ApiCall, calendar: StoredCalendar) -> int | None:
    """The stamp of the call's sync token, whose restrictions join the query; None without a token."""
    token = call.text("syncToken")
    if not token:
        return None
    _check_parameters(call)
    content = read_token(token, "syncToken")
    stamp = content.get("stamp")
    if content.get("calendar") != calendar.id or not isinstance(stamp, int) or stamp < call.google.first_stamp:
        raise known_error("fullSyncRequired")
    kept = content.get("query")
    call.query.update(kept if isinstance(kept, dict) else {})
    return stamp


def build_sync_token(call: ApiCall, calendar: StoredCalendar) -> str:
    """The token to hear of later changes with; empty where the query allows none."""
    if _NO_TOKEN_AFTER & call.query.keys():
        return ""
    kept = {name: call.query[name] for name in _KEPT_BY_TOKEN if name in call.query}
    return write_token({"calendar": calendar.id, "stamp": _first_page_stamp(call), "query": kept})


def take_page(call: ApiCall, events: list[StoredEvent]) -> tuple[list[StoredEvent], str]:
    """The page that the call asks for, of events in the order of their changes, and the token of the next."""
    size = call.number("maxResults", _DEFAULT_EVENTS_PER_PAGE, _MAX_EVENTS_PER_PAGE)
    key = _start_key if call.text("orderBy") == "startTime" else _change_key
    events = sorted(events, key=key)
    if after := [str(part) for part in as_list(_read_page_token(call).get("after"))]:
        events = [event for event in events if key(event) > after]
    page = events[:size]
    if len(events) <= size:
        return page, ""
    return page, write_token({"as_of": _first_page_stamp(call), "after": key(page[-1])})


def _check_parameters(call: ApiCall) -> None:
    for name in _NEVER_WITH_TOKEN:
        if name in call.query:
            raise invalid(f"{name} cannot be used together with syncToken.", name)
    if call.query.get("showDeleted") is False:
        raise invalid("showDeleted cannot be false with syncToken.", "showDeleted")


def _read_page_token(call: ApiCall) -> JsonObject:
    token = call.text("pageToken")
    return read_token(token, "pageToken") if token else {}


def _first_page_stamp(call: ApiCall) -> object:
    """The moment of the first page: what changes between two pages is told again by the next sync."""
    return _read_page_token(call).get("as_of", call.google.last_stamp)


def _change_key(event: StoredEvent) -> list[str]:
    """Occurrences of a series share their last change."""
    return [f"{event.updated:020}", event.id]


def _start_key(event: StoredEvent) -> list[str]:
    return [event.start.isoformat(), event.id]
