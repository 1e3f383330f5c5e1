from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.availability import Availability, Slot, SlotState
from slotsync.domain.availability.changes import (
    PublishedAvailability,
    busy_intervals,
    changed_intervals,
    slots_within,
)
from slotsync.domain.availability.intervals import Interval
from tests.support.interval_samples import INTERVALS, interval, minutes

BUSY, CLOSED, OPEN = (SlotState.BUSY, True), (SlotState.UNKNOWN, True), (SlotState.UNKNOWN, False)
FREE = (SlotState.FREE, False)
SlotKind = tuple[SlotState, bool]


def slots_of(start: int, by_minute: list[SlotKind]) -> tuple[Slot, ...]:
    """Return a slot for each minute that is not free."""
    listed = ((interval(minute, minute + 1), each) for minute, each in enumerate(by_minute, start) if each != FREE)
    return tuple(Slot(span=where, state=state, closed=closed) for where, (state, closed) in listed)


def availability_of(start: int, by_minute: list[SlotKind]) -> Availability:
    window = interval(start, start + len(by_minute))
    return Availability(span=window, checked_at=None, complete=True, slots=slots_of(start, by_minute))


def at(slots: tuple[Slot, ...], minute: int) -> SlotKind:
    there = [(each.state, each.closed) for each in slots if minute in minutes([each.span])]
    return there[0] if there else FREE


MINUTES = st.lists(st.sampled_from([FREE, FREE, BUSY, CLOSED, OPEN]), min_size=1, max_size=20)
NOW = st.builds(availability_of, st.integers(0, 20), MINUTES)
BEFORE = st.none() | NOW.map(lambda each: PublishedAvailability(interval=each.span, slots=each.slots))


@given(BEFORE, NOW)
def test_only_minutes_that_differ_from_the_published_ones_are_changed(
    before: PublishedAvailability | None, now: Availability
) -> None:
    by_minute = before.slots if before else ()
    assert minutes(changed_intervals(before, now)) == {
        minute for minute in minutes([now.span]) if at(by_minute, minute) != at(now.slots, minute)
    }


@given(NOW)
def test_published_times_are_no_change(now: Availability) -> None:
    assert changed_intervals(PublishedAvailability(interval=now.span, slots=now.slots), now) == ()


@given(NOW)
def test_busy_intervals_are_those_that_are_known_to_be_busy(now: Availability) -> None:
    assert minutes(busy_intervals(now)) == {minute for minute in minutes([now.span]) if at(now.slots, minute) == BUSY}


@given(NOW, INTERVALS)
def test_slots_in_spans_are_the_same_ones_clipped_and_in_order(now: Availability, spans: list[Interval]) -> None:
    slots = slots_within(now, spans)
    assert [each.span for each in slots] == sorted((each.span for each in slots), key=lambda each: each.start)
    for minute in minutes([now.span]):
        assert at(slots, minute) == (at(now.slots, minute) if minute in minutes(spans) else FREE)


def test_times_before_the_window_are_past_and_no_change() -> None:
    published = PublishedAvailability(interval=interval(0, 10), slots=slots_of(0, [BUSY] * 5 + [FREE] * 5))
    assert changed_intervals(published, availability_of(5, [FREE] * 10)) == ()
