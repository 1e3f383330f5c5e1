"""The availability of a product by its blocking calendars: free, busy or unknown."""

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
    """The state of a time."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Reading(Message):
    """Google's answer for one calendar and one interval: its busy times, or the error that came instead of them.

    Valid until ``good_until``. ``call_failed``: the error is that of the whole call, so an earlier answer stays valid
    until it is too old.
    """

    interval: Interval
    read_at: datetime
    good_until: datetime
    busy: tuple[Interval, ...] = ()
    error: str = ""
    call_failed: bool = False

    def is_current(self, now: datetime) -> bool:
        """Return whether the reading succeeded and is still valid."""
        return not self.error and now < self.good_until


def differ(reading: Reading, interval: Interval, busy: Iterable[Interval]) -> bool:
    """Return whether these busy times of an interval differ from a reading's, where both were asked for."""
    both = intersection([reading.interval.bounds], [interval.bounds])
    return intersection(to_bounds(reading.busy), both) != intersection(to_bounds(busy), both)


class Slot(Message):
    """A time in which the product is busy, or its state unknown. ``closed``: it cannot be booked."""

    span: Interval  # stored name
    state: SlotState
    closed: bool


class Availability(Message):
    """The state of an interval; a time that is in no slot is free.

    ``checked_at`` is the time of the oldest reading that was used, None if there is none. ``complete`` is true if no
    time in the interval is unknown.
    """

    span: Interval  # name in the API
    checked_at: datetime | None
    complete: bool
    slots: tuple[Slot, ...]


Readings = Mapping[str, Sequence[Reading]]
"""All stored readings, by calendar id."""


def compute_availability(
    readings: Readings, calendars: Collection[str], interval: Interval, now: datetime, rule: BlockingRule
) -> Availability:
    """Return the availability of a product that these calendars block; a calendar that was never read is unknown."""
    found = [calendar_times(readings.get(each, ()), interval.bounds, now, rule) for each in calendars]
    enough = rule.closing_count(len(found))
    busy = covered_at_least((each.busy for each in found), enough)
    unknown = difference(covered_at_least((each.busy + each.unknown for each in found), enough), busy)
    closed = covered_at_least((each.closed for each in found), enough)
    return Availability(
        span=interval,
        checked_at=min((moment for each in found for moment in each.read_times), default=None),
        complete=not unknown,
        slots=tuple(sorted(_slots(busy, unknown, closed), key=lambda slot: slot.span.start)),
    )


class CalendarTimes(NamedTuple):
    """The times of an interval that one calendar blocks, padding included: ``closed`` are all that cannot be booked.

    A time that may be both busy and unknown is busy. ``read_times`` is when the readings behind this were made.
    """

    busy: list[Bounds]
    unknown: list[Bounds]
    closed: list[Bounds]
    read_times: list[datetime]


def calendar_times(readings: Sequence[Reading], interval: Bounds, now: datetime, rule: BlockingRule) -> CalendarTimes:
    """Return the times of an interval that one calendar blocks."""
    # A busy time a little outside of the interval reaches into it with its padding.
    around = (interval[0] - rule.after, interval[1] + rule.before)
    known = known_times(readings, [around], lambda each: each.is_current(now))
    all_closed = [*known.busy, *_closed_unknown_times(readings, known.unknown, now, rule)]
    busy, unknown, closed = (
        intersection(padded(each, rule.before, rule.after), [interval])
        for each in (known.busy, known.unknown, all_closed)
    )
    return CalendarTimes(busy, difference(unknown, busy), closed, known.read_times)


class KnownTimes(NamedTuple):
    """The busy and the unknown times of one calendar, and when the readings that were used for them were made."""

    busy: list[Bounds]
    unknown: list[Bounds]
    read_times: list[datetime]


def known_times(
    readings: Iterable[Reading], within: Sequence[Bounds], is_valid: Callable[[Reading], bool]
) -> KnownTimes:
    """Return one calendar's times by the newest answer for each instant: an error in it hides an older good one."""
    left = list(within)
    known = KnownTimes([], [], [])
    answers = (each for each in readings if not each.call_failed)
    for reading in sorted(answers, key=lambda each: each.read_at, reverse=True):
        part = intersection(left, [reading.interval.bounds])
        if part and is_valid(reading):
            known.busy.extend(intersection(to_bounds(reading.busy), part))
            known.read_times.append(reading.read_at)
        else:
            known.unknown.extend(part)
        left = difference(left, part)
    return KnownTimes(merged(known.busy), merged([*known.unknown, *left]), known.read_times)


def _closed_unknown_times(
    readings: Iterable[Reading], unknown: Sequence[Bounds], now: datetime, rule: BlockingRule
) -> Sequence[Bounds]:
    """Return the part of a calendar's unknown times that cannot be booked, by the merchant's choice."""
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
