"""What is news for who was told an availability before. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from slotsync.rules.availability import Availability, Slot, SlotState
from slotsync.rules.message import Message
from slotsync.rules.span import Span, spans_of, stretches_of
from slotsync.rules.stretch import Stretch, merged, shared, without

_KINDS = ((SlotState.BUSY, True), (SlotState.BUSY, False), (SlotState.UNKNOWN, True), (SlotState.UNKNOWN, False))


class Published(Message):
    """What was told of a stretch of time; what is in no slot was free.

    ``busy`` is what was known to be busy when it was last known: an unknown time may still be.
    """

    span: Span
    slots: tuple[Slot, ...]
    busy: tuple[Span, ...] = ()


def changed(before: Published | None, now: Availability) -> tuple[Span, ...]:
    """The moments of ``now`` that are not as they were told.

    What nobody was told of counts as free. What lies before ``now`` is past, and no news.
    """
    return spans_of(merged(each for kind in _KINDS for each in _differing(_told(before, *kind), now, *kind)))


def newly_busy(before: Published | None, now: Availability) -> tuple[Span, ...]:
    """The moments that are busy, and that were not when they were last known."""
    return spans_of(without(_of_state(now, SlotState.BUSY), stretches_of(before.busy) if before else []))


def last_known_busy(before: Published | None, now: Availability) -> tuple[Span, ...]:
    """The moments that are busy, or unknown and were busy when they were last known."""
    known = stretches_of(before.busy) if before else []
    return spans_of(merged([*_of_state(now, SlotState.BUSY), *shared(known, _of_state(now, SlotState.UNKNOWN))]))


def slots_in(availability: Availability, spans: Iterable[Span]) -> tuple[Slot, ...]:
    """Its slots as far as they lie in these spans, in order."""
    within = stretches_of(spans)
    found = (slot for kind in _KINDS for slot in _clipped(availability, within, *kind))
    return tuple(sorted(found, key=lambda slot: slot.span.start))


def _differing(told: Sequence[Stretch], now: Availability, state: SlotState, closed: bool) -> Iterator[Stretch]:
    so_far, so_now = shared(told, [now.span.stretch]), _of_kind(now.slots, state, closed)
    yield from without(so_far, so_now)
    yield from without(so_now, so_far)


def _told(before: Published | None, state: SlotState, closed: bool) -> list[Stretch]:
    return shared(_of_kind(before.slots, state, closed), [before.span.stretch]) if before else []


def _clipped(availability: Availability, within: Sequence[Stretch], state: SlotState, closed: bool) -> Iterator[Slot]:
    for span in spans_of(shared(_of_kind(availability.slots, state, closed), within)):
        yield Slot(span=span, state=state, closed=closed)


def _of_state(now: Availability, state: SlotState) -> list[Stretch]:
    return stretches_of(each.span for each in now.slots if each.state is state)


def _of_kind(slots: Iterable[Slot], state: SlotState, closed: bool) -> list[Stretch]:
    return stretches_of(each.span for each in slots if (each.state, each.closed) == (state, closed))
