"""What has changed since an availability was published."""

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

_KINDS = ((SlotState.BUSY, True), (SlotState.BUSY, False), (SlotState.UNKNOWN, True), (SlotState.UNKNOWN, False))


class Published(Message):
    """What was told of a stretch of time; what is in no slot was free.

    ``busy`` is what was known to be busy when it was last known: an unknown time may still be.
    """

    span: Interval
    slots: tuple[Slot, ...]
    busy: tuple[Interval, ...] = ()


def changed(before: Published | None, now: Availability) -> tuple[Interval, ...]:
    """The moments of ``now`` that are not as they were told.

    What nobody was told of counts as free. What lies before ``now`` is past, and no news.
    """
    return to_intervals(merged(each for kind in _KINDS for each in _differing(_told(before, *kind), now, *kind)))


def newly_busy(before: Published | None, now: Availability) -> tuple[Interval, ...]:
    """The moments that are busy, and that were not when they were last known."""
    return to_intervals(difference(_of_state(now, SlotState.BUSY), to_bounds(before.busy) if before else []))


def last_known_busy(before: Published | None, now: Availability) -> tuple[Interval, ...]:
    """The moments that are busy, or unknown and were busy when they were last known."""
    known = to_bounds(before.busy) if before else []
    return to_intervals(
        merged([*_of_state(now, SlotState.BUSY), *intersection(known, _of_state(now, SlotState.UNKNOWN))])
    )


def slots_in(availability: Availability, spans: Iterable[Interval]) -> tuple[Slot, ...]:
    """Its slots as far as they lie in these spans, in order."""
    within = to_bounds(spans)
    found = (slot for kind in _KINDS for slot in _clipped(availability, within, *kind))
    return tuple(sorted(found, key=lambda slot: slot.span.start))


def _differing(told: Sequence[Bounds], now: Availability, state: SlotState, closed: bool) -> Iterator[Bounds]:
    so_far, so_now = intersection(told, [now.span.bounds]), _of_kind(now.slots, state, closed)
    yield from difference(so_far, so_now)
    yield from difference(so_now, so_far)


def _told(before: Published | None, state: SlotState, closed: bool) -> list[Bounds]:
    return intersection(_of_kind(before.slots, state, closed), [before.span.bounds]) if before else []


def _clipped(availability: Availability, within: Sequence[Bounds], state: SlotState, closed: bool) -> Iterator[Slot]:
    for span in to_intervals(intersection(_of_kind(availability.slots, state, closed), within)):
        yield Slot(span=span, state=state, closed=closed)


def _of_state(now: Availability, state: SlotState) -> list[Bounds]:
    return to_bounds(each.span for each in now.slots if each.state is state)


def _of_kind(slots: Iterable[Slot], state: SlotState, closed: bool) -> list[Bounds]:
    return to_bounds(each.span for each in slots if (each.state, each.closed) == (state, closed))
