"""All events of one calendar, found by id, by iCalUID, by last change and by time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from localgoogle.events.recurrence import find_occurrence, is_recurring, list_occurrences
from localgoogle.state.records import StoredEvent

_WEEK_SECONDS = 7 * 86_400
_LONG_WEEKS = 60


class TimeIndex:
    """The ids of events, by the weeks that they touch."""

    def __init__(self) -> None:
        self._weeks: defaultdict[int, set[str]] = defaultdict(set)
        self._long: set[str] = set()

    def add(self, event: StoredEvent) -> None:
        """Makes the event findable."""
        for ids in self._places(event):
            ids.add(event.id)

    def remove(self, event: StoredEvent) -> None:
        """Undoes ``add`` of the same event."""
        for ids in self._places(event):
            ids.discard(event.id)

    def between(self, start: datetime, end: datetime) -> set[str]:
        """The ids of all events that may touch [start, end): none is missed, some may lie just outside."""
        weeks = range(_week_number(start), _week_number(end) + 1)
        if len(weeks) > len(self._weeks):
            near = [ids for week, ids in self._weeks.items() if week in weeks]
        else:
            near = [self._weeks[week] for week in weeks if week in self._weeks]
        return self._long.union(*near)

    def _places(self, event: StoredEvent) -> list[set[str]]:
        first, last = _week_number(event.start), _week_number(event.end)
        if last - first > _LONG_WEEKS:
            return [self._long]
        return [self._weeks[week] for week in range(first, last + 1)]


def _week_number(instant: datetime) -> int:
    return int(instant.timestamp() // _WEEK_SECONDS)


class CalendarEvents:
    """The events of one calendar, in the order of their last change. Nothing is ever taken out: ids stay taken."""

    def __init__(self) -> None:
        self._events: dict[str, StoredEvent] = {}
        self._by_uid: dict[str, str] = {}
        self._index = TimeIndex()
        self._series: dict[str, StoredEvent] = {}

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[StoredEvent]:
        return iter(self._events.values())

    def put(self, event: StoredEvent) -> None:
        """Keeps the event as the latest change."""
        if before := self._events.pop(event.id, None):
            self._index.remove(before)
            self._series.pop(event.id, None)
        self._events[event.id] = event
        if is_recurring(event) and not event.cancelled:
            self._series[event.id] = event
        else:
            self._index.add(event)
        self._by_uid[event.i_cal_uid] = event.id

    def get(self, event_id: str) -> StoredEvent | None:
        """The event, deleted ones too."""
        return self._events.get(event_id)

    def by_uid(self, i_cal_uid: str) -> StoredEvent | None:
        """The event that iCalendar knows by this id."""
        return self._events.get(self._by_uid.get(i_cal_uid, ""))

    def changed_since(self, stamp: int) -> list[StoredEvent]:
        """What changed after ``stamp``, earliest change first."""
        changed = []
        for event in reversed(self._events.values()):
            if event.updated <= stamp:
                break
            changed.append(event)
        return changed[::-1]

    def between(self, start: datetime, end: datetime) -> list[StoredEvent]:
        """The events that touch [start, end) and do not recur, by start; deleted ones too."""
        near = (self._events[event_id] for event_id in self._index.between(start, end))
        return sorted((e for e in near if touches(e, start, end)), key=lambda e: (e.start, e.id))

    def occurring(self, start: datetime, end: datetime, calendar_zone: str) -> list[StoredEvent]:
        """What touches [start, end), by start: events that happen once, and the occurrences of series."""
        series = [
            event for series in self._series.values() for event in list_occurrences(series, calendar_zone, start, end)
        ]
        once = self.between(start, end)
        return sorted(once + series, key=lambda e: (e.start, e.id)) if series else once

    def series(self) -> list[StoredEvent]:
        """The living events that recur."""
        return list(self._series.values())

    def find(self, event_id: str, calendar_zone: str) -> StoredEvent | None:
        """The event with this id, or the occurrence of a series."""
        if event := self._events.get(event_id):
            return event
        series = self._series.get(event_id.rpartition("_")[0])
        return find_occurrence(series, calendar_zone, event_id) if series else None


def touches(event: StoredEvent, start: datetime | None, end: datetime | None) -> bool:
    """Whether the event ends after ``start`` and starts before ``end``."""
    return (start is None or event.end > start) and (end is None or event.start < end)
