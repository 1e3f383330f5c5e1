"""When a product can be booked, by its blocking calendars: free, busy or unknown."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.intervals import (
    Bounds,
    Interval,
    covered_at_least,
    difference,
    intersection,
    merged,
    padded,
    to_bounds,
    to_intervals,
)
from slotsync.domain.messages import Message


class SlotState(StrEnum):
    """What is known of a time."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Reading(Message):
    """What Google said of one calendar and one stretch of time: its busy times, or the reason why it said none.

    Believed until ``good_until``.
    """

    span: Interval
    read_at: datetime
    good_until: datetime
    busy: tuple[Interval, ...] = ()
    error: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it tells what is so now."""
        return not self.error and now < self.good_until


class Slot(Message):
    """A time in which the product is busy, or of which nobody knows. ``closed``: it cannot be booked."""

    span: Interval
    state: SlotState
    closed: bool


class Availability(Message):
    """What is known of a stretch of time; what is in no slot is free.

    ``checked_at`` is when the oldest reading in it was made, nothing where there is none; ``complete`` is whether all
    of it is known.
    """

    span: Interval
    checked_at: datetime | None
    complete: bool
    slots: tuple[Slot, ...]


Readings = Mapping[str, Sequence[Reading]]
"""All that is kept of what was read, by calendar."""


def availability(
    readings: Readings, calendars: Collection[str], asked: Interval, now: datetime, rule: BlockingRule
) -> Availability:
    """The answer for one product and the calendars that block it. One that was never read is unknown for all of it."""
    found = [calendar_times(readings.get(each, ()), asked.bounds, now, rule) for each in calendars]
    enough = rule.enough_of(len(found))
    busy = covered_at_least((each.busy for each in found), enough)
    unknown = difference(covered_at_least((each.busy + each.unknown for each in found), enough), busy)
    closed = covered_at_least((each.closed for each in found), enough)
    return Availability(
        span=asked,
        checked_at=min((moment for each in found for moment in each.read), default=None),
        complete=not unknown,
        slots=tuple(sorted(_slots(busy, unknown, closed), key=lambda slot: slot.span.start)),
    )


class CalendarTimes(NamedTuple):
    """What one calendar does to a stretch of time, padding included: ``closed`` is all of it that it takes away.

    What may be busy as well as unknown is busy; ``read`` is when the readings were made that say so.
    """

    busy: list[Bounds]
    unknown: list[Bounds]
    closed: list[Bounds]
    read: list[datetime]


def calendar_times(readings: Sequence[Reading], asked: Bounds, now: datetime, rule: BlockingRule) -> CalendarTimes:
    """What one calendar does to a stretch of time."""
    # What lies a little outside reaches into it with its padding.
    around = (asked[0] - rule.after, asked[1] + rule.before)
    look = known_times(readings, [around], lambda each: each.holds(now))
    closed = [*look.busy, *_closing(readings, look.unknown, now, rule)]
    busy, unknown, gone = (
        intersection(padded(each, rule.before, rule.after), [asked]) for each in (look.busy, look.unknown, closed)
    )
    return CalendarTimes(busy, difference(unknown, busy), gone, look.read)


class KnownTimes(NamedTuple):
    """One calendar's times: those that are surely busy, those that nobody knows, and when what is used was read."""

    busy: list[Bounds]
    unknown: list[Bounds]
    read: list[datetime]


def known_times(readings: Iterable[Reading], over: Sequence[Bounds], believed: Callable[[Reading], bool]) -> KnownTimes:
    """The newest word on each moment decides: an error that came after a good answer hides it."""
    left = list(over)
    look = KnownTimes([], [], [])
    for reading in sorted(readings, key=lambda each: each.read_at, reverse=True):
        part = intersection(left, [reading.span.bounds])
        if part and believed(reading):
            look.busy.extend(intersection(to_bounds(reading.busy), part))
            look.read.append(reading.read_at)
        else:
            look.unknown.extend(part)
        left = difference(left, part)
    return KnownTimes(merged(look.busy), merged([*look.unknown, *left]), look.read)


def _closing(
    readings: Iterable[Reading], unknown: Sequence[Bounds], now: datetime, rule: BlockingRule
) -> Sequence[Bounds]:
    """Those of a calendar's unknown times that it takes away, as its merchant chose."""
    if rule.on_unknown == "block":
        return unknown
    if rule.on_unknown == "sell":
        return ()
    young = [each for each in readings if not each.error and now < each.read_at + rule.last_known]
    last_known = known_times(young, unknown, lambda _: True)
    return [*last_known.busy, *last_known.unknown]


def _slots(busy: Iterable[Bounds], unknown: Sequence[Bounds], closed: Sequence[Bounds]) -> Iterable[Slot]:
    yield from (Slot(span=each, state=SlotState.BUSY, closed=True) for each in to_intervals(busy))
    yield from (
        Slot(span=each, state=SlotState.UNKNOWN, closed=True) for each in to_intervals(intersection(unknown, closed))
    )
    yield from (
        Slot(span=each, state=SlotState.UNKNOWN, closed=False) for each in to_intervals(difference(unknown, closed))
    )
