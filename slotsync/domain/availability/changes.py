"""Changes of an availability since it was published."""

from collections.abc import Iterable, Iterator, Sequence

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.intervals import (
    Bounds,
    Interval,
    difference,
    intersection,
    merged,
    to_bounds,
    to_intervals,
)
from slotsync.domain.messages import Message

_SLOT_KINDS = ((SlotState.BUSY, True), (SlotState.BUSY, False), (SlotState.UNKNOWN, True), (SlotState.UNKNOWN, False))
"""All pairs of a state and whether it is closed."""


class PublishedAvailability(Message):
    """The availability that was published last for an interval; a time that is in no slot was free.

    ``forgotten``: what was published is not known any more, so that every time may have changed since.
    """

    interval: Interval
    slots: tuple[Slot, ...]
    forgotten: bool = False


def changed_intervals(before: PublishedAvailability | None, now: Availability) -> tuple[Interval, ...]:
    """Return the intervals of ``now`` that differ from what was published.

    A time that was never published counts as free. Times before the start of ``now`` are past, and ignored.
    """
    if before and before.forgotten:
        return (now.span,)
    return to_intervals(
        merged(each for kind in _SLOT_KINDS for each in _differences(_published(before, *kind), now, *kind))
    )


def busy_intervals(availability: Availability) -> tuple[Interval, ...]:
    """Return the intervals that are known to be busy."""
    return to_intervals(_filter_by_state(availability, SlotState.BUSY))


def slots_within(availability: Availability, intervals: Iterable[Interval]) -> tuple[Slot, ...]:
    """Return the parts of the availability's slots that lie in these intervals, in order."""
    within = to_bounds(intervals)
    found = (slot for kind in _SLOT_KINDS for slot in _clipped(availability, within, *kind))
    return tuple(sorted(found, key=lambda slot: slot.span.start))


def _differences(published: Sequence[Bounds], now: Availability, state: SlotState, closed: bool) -> Iterator[Bounds]:
    before, current = intersection(published, [now.span.bounds]), _filter_by_kind(now.slots, state, closed)
    yield from difference(before, current)
    yield from difference(current, before)


def _published(before: PublishedAvailability | None, state: SlotState, closed: bool) -> list[Bounds]:
    return intersection(_filter_by_kind(before.slots, state, closed), [before.interval.bounds]) if before else []


def _clipped(availability: Availability, within: Sequence[Bounds], state: SlotState, closed: bool) -> Iterator[Slot]:
    for interval in to_intervals(intersection(_filter_by_kind(availability.slots, state, closed), within)):
        yield Slot(span=interval, state=state, closed=closed)


def _filter_by_state(now: Availability, state: SlotState) -> list[Bounds]:
    return to_bounds(each.span for each in now.slots if each.state is state)


def _filter_by_kind(slots: Iterable[Slot], state: SlotState, closed: bool) -> list[Bounds]:
    return to_bounds(each.span for each in slots if (each.state, each.closed) == (state, closed))
