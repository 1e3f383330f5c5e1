"""Select the events of a list by the parameters of the call."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from localgoogle.api.call import ApiCall
from localgoogle.events.calendar_events import CalendarEvents, touches
from localgoogle.events.recurrence import is_recurring, list_occurrences
from localgoogle.protocol.errors import known_error
from localgoogle.protocol.instants import to_micros
from localgoogle.protocol.json_values import as_object
from localgoogle.state.records import StoredCalendar, StoredEvent

_MAX_UPDATED_MIN_AGE = timedelta(days=30)
_DEFAULT_HORIZON = timedelta(days=730)
_SEARCHED_FIELDS = ("summary", "description", "location")


def select_events(call: ApiCall, calendar: StoredCalendar, stamp: int | None) -> list[StoredEvent]:
    """Return the events that changed after ``stamp``, or those that fit the filters if it is None; not sorted."""
    window = _Window.build(call, calendar)
    calendar_events = call.google.calendar_events(calendar.id)
    if stamp is not None:
        changed = calendar_events.list_changed_since(stamp)
        return [selected for event in changed for selected in ([event] if event.cancelled else window.select(event))]
    if window.start and window.end:
        candidates = [*calendar_events.list_between(window.start, window.end), *calendar_events.list_series()]
    else:
        candidates = list(calendar_events)
    return [selected for event in candidates if _fits(call, event) for selected in window.select(event)]


def list_instances(call: ApiCall, calendar: StoredCalendar, series: StoredEvent) -> list[StoredEvent]:
    """Return the occurrences of a series between the call's timeMin and timeMax; an event that is none has none."""
    if not is_recurring(series):
        return []
    window = _Window.build(call, calendar)
    exceptions = window.list_exceptions(series)
    return window.list_regular(series) + [e for e in exceptions if call.flag("showDeleted") or not e.cancelled]


@dataclass(frozen=True)
class _Window:
    start: datetime | None
    end: datetime | None
    single: bool
    zone: str
    now: datetime
    calendar_events: CalendarEvents

    @classmethod
    def build(cls, call: ApiCall, calendar: StoredCalendar) -> "_Window":
        start, end = _read_instant(call, "timeMin"), _read_instant(call, "timeMax")
        if start and end and end <= start:
            raise known_error("timeRangeEmpty")
        events = call.google.calendar_events(calendar.id)
        return cls(start, end, call.flag("singleEvents"), calendar.time_zone, call.google.clock(), events)

    def select(self, event: StoredEvent) -> list[StoredEvent]:
        """Return the event if it touches the window; a series as its occurrences if the call has singleEvents."""
        if not is_recurring(event) or event.cancelled:
            return [event] if touches(event, self.start, self.end) else []
        if self.single:
            return self.list_regular(event)
        return [event] if list_occurrences(event, self.zone, *self._bounds(event)) else []

    def list_regular(self, series: StoredEvent) -> list[StoredEvent]:
        """Return the occurrences in the window, without exceptions; without timeMax it ends in two years."""
        return self.calendar_events.list_regular(series, self.zone, *self._bounds(series))

    def list_exceptions(self, series: StoredEvent) -> list[StoredEvent]:
        """Return the exceptions of the series that touch the window, with deleted ones."""
        exceptions = self.calendar_events.list_exceptions(series.id)
        return [event for event in exceptions if touches(event, self.start, self.end)]

    def _bounds(self, series: StoredEvent) -> tuple[datetime, datetime]:
        return self.start or series.start, self.end or max(self.now, series.start) + _DEFAULT_HORIZON


def _fits(call: ApiCall, event: StoredEvent) -> bool:
    return (
        (not event.cancelled or _includes_deleted(call) or _is_deleted_exception(call, event))
        and event.updated >= _updated_min(call)
        and _matches(call, event)
    )


def _includes_deleted(call: ApiCall) -> bool:
    return call.flag("showDeleted") or ("updatedMin" in call.query and call.query.get("showDeleted") is not False)


def _is_deleted_exception(call: ApiCall, event: StoredEvent) -> bool:
    """Return whether only this occurrence is deleted, of which a list of whole series tells (discovery document)."""
    series = call.google.calendar_events(event.calendar_id).get(event.series_id)
    return series is not None and not series.cancelled and not call.flag("singleEvents")


def _read_instant(call: ApiCall, name: str) -> datetime | None:
    text = call.text(name)
    return datetime.fromisoformat(text) if text else None


def _updated_min(call: ApiCall) -> int:
    instant = _read_instant(call, "updatedMin")
    if instant is None:
        return 0
    if instant < call.google.clock() - _MAX_UPDATED_MIN_AGE:
        raise known_error("updatedMinTooLongAgo")
    return to_micros(instant)


def _matches(call: ApiCall, event: StoredEvent) -> bool:
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
    searched = " ".join([*(str(event.body.get(name, "")) for name in _SEARCHED_FIELDS), str(guests or "")]).casefold()
    return all(word in searched for word in text.casefold().split())


def _has_properties(event: StoredEvent, scope: str, wanted: list[str]) -> bool:
    """Return whether all constraints fit. The discovery document says all; Google's guide can be read otherwise."""
    properties = as_object(as_object(event.body.get("extendedProperties")).get(scope))
    pairs = (constraint.partition("=") for constraint in wanted)
    return all(properties.get(name) == value for name, _, value in pairs)
