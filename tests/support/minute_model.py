"""Times as whole numbers with one bit for each minute: the simple program that slotsync's answers are compared with."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import reduce
from itertools import combinations
from operator import and_, or_
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

Times = Iterable[tuple[datetime, datetime]]


class MinuteBits:
    """The minutes of so many days."""

    def __init__(self, first: datetime, days: int) -> None:
        self._first = first
        self._count = days * 24 * 60
        self.all = (1 << self._count) - 1

    def of(self, times: Times) -> int:
        """Return the minutes in these times, none of which is broken."""
        return reduce(or_, (self._stretch(start, end) for start, end in times), 0)

    def padded(self, some: int, before: int, after: int) -> int:
        """Return the minutes, padded by this many before and after."""
        earlier = _spread(some, before, lambda minutes, by: minutes >> by)
        return _spread(earlier, after, lambda minutes, by: minutes << by) & self.all

    def first(self, some: int) -> datetime | None:
        """Return the first of these minutes, or None if there are none."""
        return self._first + ((some & -some).bit_length() - 1) * MINUTE if some else None

    def _stretch(self, start: datetime, end: datetime) -> int:
        first, last = (min(max(self._number(each), 0), self._count) for each in (start, end))
        return (1 << last) - (1 << first)

    def _number(self, moment: datetime) -> int:
        number, rest = divmod(moment - self._first, MINUTE)
        assert not rest, f"{moment} is within a minute"
        return number


def _spread(some: int, far: int, shifted: Callable[[int, int], int]) -> int:
    done = 0
    while done < far:
        step = min(done + 1, far - done)
        some |= shifted(some, step)
        done += step
    return some


def in_at_least(sets: Sequence[int], count: int) -> int:
    """Return the minutes that are in so many of the sets."""
    return reduce(or_, (reduce(and_, some) for some in combinations(sets, count)), 0)


def taken(events: Iterable[dict[str, object]], owner: str, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Return the times of events that the local Google shows with all details; ``zone`` is the calendar's."""
    for event in events:
        declined = {"email": owner, "responseStatus": "declined"}
        guests = event.get("attendees", [])
        assert isinstance(guests, list)
        is_declined = any(declined.items() <= guest.items() for guest in guests)
        if event["status"] != "cancelled" and event.get("transparency") != "transparent" and not is_declined:
            yield from _whole_days(event, zone) if "date" in _side(event, "start") else _hours(event)


def _whole_days(event: dict[str, object], zone: str) -> Iterator[tuple[datetime, datetime]]:
    for times in range(_count(event)):
        days = (date.fromisoformat(_side(event, side)["date"]) for side in ("start", "end"))
        first, last = (datetime.combine(day + times * _every(event), time(), ZoneInfo(zone)) for day in days)
        yield first, last


def _hours(event: dict[str, object]) -> Iterator[tuple[datetime, datetime]]:
    start, end = (datetime.fromisoformat(_side(event, side)["dateTime"]) for side in ("start", "end"))
    at_home = start.astimezone(ZoneInfo(_side(event, "start")["timeZone"]))
    for times in range(_count(event)):
        begins = datetime.fromtimestamp((at_home + times * _every(event)).timestamp(), tz=at_home.tzinfo)
        yield begins, datetime.fromtimestamp(begins.timestamp() + (end - start).total_seconds(), tz=at_home.tzinfo)


def _side(event: dict[str, object], name: str) -> dict[str, str]:
    side = event[name]
    assert isinstance(side, dict)
    return side


def _rule(event: dict[str, object]) -> dict[str, str]:
    lines = event.get("recurrence") or ["RRULE:FREQ=DAILY;COUNT=1"]
    assert isinstance(lines, list)
    return dict(part.split("=") for part in str(lines[0]).removeprefix("RRULE:").split(";"))


def _count(event: dict[str, object]) -> int:
    return int(_rule(event)["COUNT"])


def _every(event: dict[str, object]) -> timedelta:
    return {"DAILY": DAY, "WEEKLY": 7 * DAY}[_rule(event)["FREQ"]]


@dataclass
class CalendarModel:
    """A calendar's history: its busy minutes from each moment on, and whether Google could be read."""

    id: str
    zone: str
    states: list[tuple[datetime, int, bool]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    failing: bool = False
    deleted: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether the newest state can be read from Google."""
        return self.states[-1][2]

    def since(self, moment: datetime) -> list[tuple[int, bool]]:
        """Return the states from this moment on."""
        ends = [began for began, _, _ in self.states[1:]] + [None]
        pairs = zip(self.states, ends, strict=True)
        return [(busy, known) for (_, busy, known), end in pairs if end is None or end >= moment]


@dataclass
class BlockingModel:
    """The calendars that block a product, and its rule."""

    picked: set[int] = field(default_factory=set)
    before: int = 0
    after: int = 0
    needed: int | None = None

    @property
    def enough(self) -> int:
        """The number of busy calendars that close the product."""
        needed = len(self.picked) if self.needed is None else min(self.needed, len(self.picked))
        return len(self.picked) - needed + 1
