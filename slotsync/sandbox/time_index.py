"""Finds events by time without looking at all of them."""

from collections import defaultdict
from datetime import datetime

from slotsync.sandbox.stored import StoredEvent

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
        weeks = range(_week(start), _week(end) + 1)
        if len(weeks) > len(self._weeks):
            near = [ids for week, ids in self._weeks.items() if week in weeks]
        else:
            near = [self._weeks[week] for week in weeks if week in self._weeks]
        return self._long.union(*near)

    def _places(self, event: StoredEvent) -> list[set[str]]:
        first, last = _week(event.start), _week(event.end)
        if last - first > _LONG_WEEKS:
            return [self._long]
        return [self._weeks[week] for week in range(first, last + 1)]


def _week(instant: datetime) -> int:
    return int(instant.timestamp() // _WEEK_SECONDS)
