"""Pages and sync tokens of events.list."""

from slotsync.sandbox import tokens
from slotsync.sandbox.api_error import invalid, known_error
from slotsync.sandbox.call import Call
from slotsync.sandbox.json_types import JsonObject, as_list
from slotsync.sandbox.stored import StoredCalendar, StoredEvent

_DEFAULT_PAGE, _MOST_PER_PAGE = 250, 2500
_NEVER_WITH_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin"
)  # fmt: skip
_NO_TOKEN_AFTER = frozenset(_NEVER_WITH_TOKEN) - {"timeMin", "timeMax"}
_KEPT_BY_TOKEN = ("timeMin", "timeMax", "singleEvents", "eventTypes")


def since(call: Call, calendar: StoredCalendar) -> int | None:
    """The stamp of the call's sync token, whose restrictions join the query; None without a token."""
    token = call.text("syncToken")
    if not token:
        return None
    _check_parameters(call)
    content = tokens.read(token, "syncToken")
    stamp = content.get("stamp")
    if content.get("calendar") != calendar.id or not isinstance(stamp, int) or stamp < call.google.first_stamp:
        raise known_error("fullSyncRequired")
    kept = content.get("query")
    call.query.update(kept if isinstance(kept, dict) else {})
    return stamp


def sync_token(call: Call, calendar: StoredCalendar) -> str:
    """The token to hear of later changes with; empty where the query allows none."""
    if _NO_TOKEN_AFTER & call.query.keys():
        return ""
    kept = {name: call.query[name] for name in _KEPT_BY_TOKEN if name in call.query}
    return tokens.written({"calendar": calendar.id, "stamp": _as_of(call), "query": kept})


def page_of(call: Call, events: list[StoredEvent]) -> tuple[list[StoredEvent], str]:
    """The page that the call asks for, of events in the order of their changes, and the token of the next."""
    size = call.number("maxResults", _DEFAULT_PAGE, _MOST_PER_PAGE)
    key = _start_key if call.text("orderBy") == "startTime" else _change_key
    events = sorted(events, key=key)
    if after := [str(part) for part in as_list(_page(call).get("after"))]:
        events = [event for event in events if key(event) > after]
    page = events[:size]
    if len(events) <= size:
        return page, ""
    return page, tokens.written({"as_of": _as_of(call), "after": key(page[-1])})


def _check_parameters(call: Call) -> None:
    for name in _NEVER_WITH_TOKEN:
        if name in call.query:
            raise invalid(f"{name} cannot be used together with syncToken.", name)
    if call.query.get("showDeleted") is False:
        raise invalid("showDeleted cannot be false with syncToken.", "showDeleted")


def _page(call: Call) -> JsonObject:
    token = call.text("pageToken")
    return tokens.read(token, "pageToken") if token else {}


def _as_of(call: Call) -> object:
    """The moment of the first page: what changes between two pages is told again by the next sync."""
    return _page(call).get("as_of", call.google.last_stamp)


def _change_key(event: StoredEvent) -> list[str]:
    """Occurrences of a series share their last change."""
    return [f"{event.updated:020}", event.id]


def _start_key(event: StoredEvent) -> list[str]:
    return [event.start.isoformat(), event.id]
