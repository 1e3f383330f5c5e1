"""All events of one calendar, with access by id, by iCalUID, by last change and by time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from localgoogle.events.recurrence import find_occurrence, is_recurring, list_occurrences
from localgoogle.state.records import StoredEvent

_WEEK = timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INDEXED_WEEKS = 60


class TimeIndex:
    """The ids of events by the weeks that they touch; events longer than _MAX_INDEXED_WEEKS are in one set."""

    def __init__(self) -> None:
        self._weeks: defaultdict[int, set[str]] = defaultdict(set)
        self._long: set[str] = set()

    def add(self, event: StoredEvent) -> None:
        """Add the event."""
        for ids in self._sets(event):
            ids.add(event.id)

    def remove(self, event: StoredEvent) -> None:
        """Remove an event that was added."""
        for ids in self._sets(event):
            ids.discard(event.id)

    def find_candidates(self, start: datetime, end: datetime) -> set[str]:
        """Return the ids of all events that touch [start, end), and of some that lie up to a week outside."""
        weeks = range(_week_number(start), _week_number(end) + 1)
        if len(weeks) > len(self._weeks):
            near = [ids for week, ids in self._weeks.items() if week in weeks]
        else:
            near = [self._weeks[week] for week in weeks if week in self._weeks]
        return self._long.union(*near)

    def _sets(self, event: StoredEvent) -> list[set[str]]:
        first, last = _week_number(event.start), _week_number(event.end)
        if last - first > _MAX_INDEXED_WEEKS:
            return [self._long]
        return [self._weeks[week] for week in range(first, last + 1)]


def _week_number(instant: datetime) -> int:
    return (instant - _EPOCH) // _WEEK


class CalendarEvents:
    """The events of one calendar, in the order of their last change. Deleted ones stay, so their ids stay in use.

    An exception is an occurrence that was changed or deleted alone: it is an event of its own, which takes the place of
    the occurrence that the series would have. With its series deleted, it is deleted, too.
    """

    def __init__(self) -> None:
        self._events: dict[str, StoredEvent] = {}
        self._by_uid: dict[str, str] = {}
        self._index = TimeIndex()
        self._series: dict[str, StoredEvent] = {}
        self._exceptions: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[StoredEvent]:
        return map(self._with_fate_of_series, self._events.values())

    def all(self) -> list[StoredEvent]:
        """Return all events as they are stored, earliest change first."""
        return list(self._events.values())

    def put(self, event: StoredEvent) -> None:
        """Store this version of the event as the latest change."""
        if before := self._events.pop(event.id, None):
            self._index.remove(before)
            self._series.pop(event.id, None)
        self._events[event.id] = event
        if is_recurring(event) and not event.cancelled:
            self._series[event.id] = event
        else:
            self._index.add(event)
        if event.series_id:
            self._exceptions[event.series_id].add(event.id)
        else:
            self._by_uid[event.i_cal_uid] = event.id

    def get(self, event_id: str) -> StoredEvent | None:
        """Return the event with this id, also a deleted one, or None."""
        event = self._events.get(event_id)
        return event and self._with_fate_of_series(event)

    def find_by_uid(self, i_cal_uid: str) -> StoredEvent | None:
        """Return the event with this iCalUID, also a deleted one, or None."""
        return self._events.get(self._by_uid.get(i_cal_uid, ""))

    def list_changed_since(self, stamp: int) -> list[StoredEvent]:
        """Return the events that changed after ``stamp`` (microseconds since 1970), earliest change first."""
        changed = []
        for event in reversed(self._events.values()):
            if event.updated <= stamp:
                break
            changed.append(self._with_fate_of_series(event))
        return changed[::-1]

    def list_between(self, start: datetime, end: datetime) -> list[StoredEvent]:
        """Return the events that touch [start, end) and do not recur, by start, with deleted ones."""
        found = (self._events[event_id] for event_id in self._index.find_candidates(start, end))
        candidates = map(self._with_fate_of_series, found)
        return sorted((e for e in candidates if touches(e, start, end)), key=lambda e: (e.start, e.id))

    def list_occurring(self, start: datetime, end: datetime, calendar_zone: str) -> list[StoredEvent]:
        """Return the single events, with deleted ones, and the occurrences that touch [start, end), by start."""
        series = [
            event for series in self._series.values() for event in self.list_regular(series, calendar_zone, start, end)
        ]
        single = self.list_between(start, end)
        return sorted(single + series, key=lambda e: (e.start, e.id)) if series else single

    def list_regular(
        self, series: StoredEvent, calendar_zone: str, start: datetime, end: datetime
    ) -> list[StoredEvent]:
        """Return the occurrences of a series that touch [start, end), without its exceptions."""
        occurrences = list_occurrences(series, calendar_zone, start, end)
        return [event for event in occurrences if event.id not in self._exceptions.get(series.id, ())]

    def list_exceptions(self, series_id: str) -> list[StoredEvent]:
        """Return the exceptions of the series, with deleted ones."""
        return [
            self._with_fate_of_series(self._events[event_id])
            for event_id in sorted(self._exceptions.get(series_id, ()))
        ]

    def list_series(self) -> list[StoredEvent]:
        """Return the events that recur and are not deleted."""
        return list(self._series.values())

    def find(self, event_id: str, calendar_zone: str) -> StoredEvent | None:
        """Return the event or the occurrence of a series with this id, or None."""
        if event := self.get(event_id):
            return event
        series = self._series.get(event_id.rpartition("_")[0])
        return find_occurrence(series, calendar_zone, event_id) if series else None

    def _with_fate_of_series(self, event: StoredEvent) -> StoredEvent:
        series = self._events.get(event.series_id) if event.series_id else None
        return event.as_cancelled() if series and series.cancelled else event


def touches(event: StoredEvent, start: datetime | None, end: datetime | None) -> bool:
    """Return whether the event ends after ``start`` and starts before ``end``; None is no bound."""
    return (start is None or event.end > start) and (end is None or event.start < end)
