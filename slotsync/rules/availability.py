"""When a product can be booked, as far as its blocking calendars tell. Unknown is not free. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from slotsync.rules.message import Message
from slotsync.rules.owner import OnUnknown
from slotsync.rules.span import Span, merged, shared, without


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
    readings: Readings, calendars: Collection[str], asked: Span, now: datetime, on_unknown: OnUnknown
) -> Availability:
    """The answer for one product and the calendars that block it. One that was never read is unknown for all of it."""
    looks = {each: _look(readings.get(each, ()), [asked], now) for each in calendars}
    busy = merged(span for look in looks.values() for span in look.busy)
    unknown = without((span for look in looks.values() for span in look.unknown), busy)
    closing = merged(
        span for each, look in looks.items() for span in _closing(readings.get(each, ()), look.unknown, now, on_unknown)
    )
    return Availability(
        span=asked,
        checked_at=min((moment for look in looks.values() for moment in look.read), default=None),
        complete=not unknown,
        slots=tuple(sorted(_slots(busy, unknown, closing), key=lambda slot: slot.span.start)),
    )


class _Look(Message):
    """One calendar's times: those that are surely busy, those that nobody knows, and when what is used was read."""

    busy: tuple[Span, ...]
    unknown: tuple[Span, ...]
    read: tuple[datetime, ...]


def _look(readings: Iterable[Reading], asked: Sequence[Span], now: datetime) -> _Look:
    """The newest word on each moment decides: an error that came after a good answer hides it."""
    left = merged(asked)
    busy: list[Span] = []
    unknown: list[Span] = []
    read: list[datetime] = []
    for reading in sorted(readings, key=lambda each: each.read_at, reverse=True):
        part = shared(left, [reading.span])
        if part and reading.holds(now):
            busy += shared(reading.busy, part)
            read.append(reading.read_at)
        else:
            unknown += part
        left = without(left, part)
    return _Look(busy=merged(busy), unknown=merged([*unknown, *left]), read=tuple(read))


def _closing(
    readings: Iterable[Reading], unknown: Sequence[Span], now: datetime, on_unknown: OnUnknown
) -> Sequence[Span]:
    """Those of a calendar's unknown times that close the product, as its merchant chose."""
    word, _, hours = on_unknown.partition(":")
    if word == "block":
        return unknown
    if word == "sell":
        return ()
    last_known = _look(_remembered(readings, now - timedelta(hours=int(hours)), now), unknown, now)
    return merged([*last_known.busy, *last_known.unknown])


def _remembered(readings: Iterable[Reading], oldest: datetime, now: datetime) -> Iterable[Reading]:
    """The good readings that are not too old, as if they still held."""
    for reading in readings:
        if not reading.error and reading.read_at >= oldest:
            yield reading.model_copy(update={"good_until": now + timedelta(seconds=1)})


def _slots(busy: Iterable[Span], unknown: Sequence[Span], closed: Sequence[Span]) -> Iterable[Slot]:
    yield from (Slot(span=each, state=SlotState.BUSY, closed=True) for each in busy)
    yield from (Slot(span=each, state=SlotState.UNKNOWN, closed=True) for each in shared(unknown, closed))
    yield from (Slot(span=each, state=SlotState.UNKNOWN, closed=False) for each in without(unknown, closed))
