"""When a product can be booked, as far as its blocking calendars tell. Unknown is not free. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from slotsync.rules.blocking_rule import BlockingRule
from slotsync.rules.message import Message
from slotsync.rules.span import Span, spans_of, stretches_of
from slotsync.rules.stretch import Stretch, merged, overlapped, padded, shared, without


class SlotState(StrEnum):
    """What is known of a time."""

    FREE = "free"
    BUSY = "busy"
    UNKNOWN = "unknown"


class Reading(Message):
    """What Google said of one calendar and one stretch of time: its busy times, or the reason why it said none.

    Believed until ``good_until``.
    """

    span: Span
    read_at: datetime
    good_until: datetime
    busy: tuple[Span, ...] = ()
    error: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it tells what is so now."""
        return not self.error and now < self.good_until


class Slot(Message):
    """A time in which the product is busy, or of which nobody knows. ``closed``: it cannot be booked."""

    span: Span
    state: SlotState
    closed: bool


class Availability(Message):
    """What is known of a stretch of time; what is in no slot is free.

    ``checked_at`` is when the oldest reading in it was made, nothing where there is none; ``complete`` is whether all
    of it is known.
    """

    span: Span
    checked_at: datetime | None
    complete: bool
    slots: tuple[Slot, ...]


Readings = Mapping[str, Sequence[Reading]]
"""All that is kept of what was read, by calendar."""


def availability(
    readings: Readings, calendars: Collection[str], asked: Span, now: datetime, rule: BlockingRule
) -> Availability:
    """The answer for one product and the calendars that block it. One that was never read is unknown for all of it."""
    found = [times_of(readings.get(each, ()), asked.stretch, now, rule) for each in calendars]
    enough = rule.enough_of(len(found))
    busy = overlapped((each.busy for each in found), enough)
    unknown = without(overlapped((each.busy + each.unknown for each in found), enough), busy)
    closed = overlapped((each.shut for each in found), enough)
    return Availability(
        span=asked,
        checked_at=min((moment for each in found for moment in each.read), default=None),
        complete=not unknown,
        slots=tuple(sorted(_slots(busy, unknown, closed), key=lambda slot: slot.span.start)),
    )


class CalendarTimes(NamedTuple):
    """What one calendar does to a stretch of time, padding included: ``shut`` is all of it that it takes away.

    What may be busy as well as unknown is busy; ``read`` is when the readings were made that say so.
    """

    busy: list[Stretch]
    unknown: list[Stretch]
    shut: list[Stretch]
    read: list[datetime]


def times_of(readings: Sequence[Reading], asked: Stretch, now: datetime, rule: BlockingRule) -> CalendarTimes:
    """What one calendar does to a stretch of time."""
    # What lies a little outside reaches into it with its padding.
    around = (asked[0] - rule.after, asked[1] + rule.before)
    look = looked(readings, [around], lambda each: each.holds(now))
    shut = [*look.busy, *_closing(readings, look.unknown, now, rule)]
    busy, unknown, gone = (
        shared(padded(each, rule.before, rule.after), [asked]) for each in (look.busy, look.unknown, shut)
    )
    return CalendarTimes(busy, without(unknown, busy), gone, look.read)


class Look(NamedTuple):
    """One calendar's times: those that are surely busy, those that nobody knows, and when what is used was read."""

    busy: list[Stretch]
    unknown: list[Stretch]
    read: list[datetime]


def looked(readings: Iterable[Reading], over: Sequence[Stretch], believed: Callable[[Reading], bool]) -> Look:
    """The newest word on each moment decides: an error that came after a good answer hides it."""
    left = list(over)
    look = Look([], [], [])
    for reading in sorted(readings, key=lambda each: each.read_at, reverse=True):
        part = shared(left, [reading.span.stretch])
        if part and believed(reading):
            look.busy.extend(shared(stretches_of(reading.busy), part))
            look.read.append(reading.read_at)
        else:
            look.unknown.extend(part)
        left = without(left, part)
    return Look(merged(look.busy), merged([*look.unknown, *left]), look.read)


def _closing(
    readings: Iterable[Reading], unknown: Sequence[Stretch], now: datetime, rule: BlockingRule
) -> Sequence[Stretch]:
    """Those of a calendar's unknown times that it takes away, as its merchant chose."""
    if rule.on_unknown == "block":
        return unknown
    if rule.on_unknown == "sell":
        return ()
    young = [each for each in readings if not each.error and now < each.read_at + rule.last_known]
    last_known = looked(young, unknown, lambda _: True)
    return [*last_known.busy, *last_known.unknown]


def _slots(busy: Iterable[Stretch], unknown: Sequence[Stretch], closed: Sequence[Stretch]) -> Iterable[Slot]:
    yield from (Slot(span=each, state=SlotState.BUSY, closed=True) for each in spans_of(busy))
    yield from (Slot(span=each, state=SlotState.UNKNOWN, closed=True) for each in spans_of(shared(unknown, closed)))
    yield from (Slot(span=each, state=SlotState.UNKNOWN, closed=False) for each in spans_of(without(unknown, closed)))
