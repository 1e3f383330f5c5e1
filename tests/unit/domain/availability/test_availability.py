from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given

from slotsync.domain.availability.availability import Availability, Reading, SlotState, compute_availability
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.calendars.owner import OwnerSettings
from tests.support.interval_samples import NOON, MinuteSet, interval, minutes
from tests.support.reading_samples import CALENDARS, PICKED, RULES, reading

WINDOW = interval(0, 40)
HOUR = 60
MINUTE = timedelta(minutes=1)
BLOCK = BlockingRule()


def state_of(readings: list[Reading], minute: int, oldest: int) -> str:
    """Return a calendar's state in one minute, from the newest answer if it is valid."""
    on_it = [each for each in readings if minute in minutes([each.interval]) and not each.call_failed]
    newest = max(on_it, key=lambda each: each.read_at, default=None)
    if newest is None or newest.error or NOON - newest.read_at >= timedelta(minutes=oldest):
        return "unknown"
    return "busy" if minute in minutes(list(newest.busy)) else "free"


def is_shut(readings: list[Reading], minute: int, on_unknown: str) -> bool:
    """Return whether a calendar blocks one minute, without padding."""
    state = state_of(readings, minute, 5)
    if state != "unknown":
        return state == "busy"
    if on_unknown == "last_known:1":
        good = [each for each in readings if not each.error]
        return state_of(good, minute, HOUR) != "free"
    return on_unknown == "block"


def expected_at(calendars: list[list[Reading]], minute: int, rule: BlockingRule) -> tuple[str, bool]:
    """Return the state of one minute and whether it is closed, computed for each calendar and minute by itself."""
    first, last = minute - rule.after // MINUTE, minute + rule.before // MINUTE
    busy = unknown = shut = 0
    for readings in calendars:
        states = {state_of(readings, each, 5) for each in range(first, last + 1)}
        busy += "busy" in states
        unknown += "unknown" in states and "busy" not in states
        shut += any(is_shut(readings, each, rule.on_unknown) for each in range(first, last + 1))
    free = len(calendars) - busy
    needed = len(calendars) if rule.free_needed is None else min(rule.free_needed, len(calendars))
    state = "busy" if free < needed else "unknown" if free - unknown < needed else "free"
    return state, len(calendars) - shut < needed


def in_slots(answer: Availability, *states: SlotState, closed: bool | None = None) -> MinuteSet:
    chosen = [each for each in answer.slots if each.state in states and closed in {None, each.closed}]
    return minutes([each.span for each in chosen])


@given(CALENDARS, PICKED, RULES)
def test_every_minute_is_what_the_calendars_say_one_by_one(
    readings: dict[str, list[Reading]], picked: list[str], rule: BlockingRule
) -> None:
    answer = compute_availability(readings, picked, WINDOW, NOON, rule)
    calendars = [readings.get(each, []) for each in picked]
    for minute in range(40):
        state, closed = expected_at(calendars, minute, rule)
        assert (minute in in_slots(answer, SlotState.BUSY)) == (state == "busy"), minute
        assert (minute in in_slots(answer, SlotState.UNKNOWN)) == (state == "unknown"), minute
        assert (minute in in_slots(answer, *SlotState, closed=True)) == closed, minute
    assert answer.complete == (not in_slots(answer, SlotState.UNKNOWN))


@given(CALENDARS, PICKED, RULES)
def test_slots_are_in_order_and_within_what_was_asked(
    readings: dict[str, list[Reading]], picked: list[str], rule: BlockingRule
) -> None:
    slots = compute_availability(readings, picked, WINDOW, NOON, rule).slots
    assert all(one.span.end <= other.span.start for one, other in pairwise(slots))
    assert all(WINDOW.start <= slot.span.start and slot.span.end <= WINDOW.end for slot in slots)
    assert all(slot.closed for slot in slots if slot.state is SlotState.BUSY)


def test_without_calendars_all_is_free_and_nothing_had_to_be_read() -> None:
    answer = compute_availability({}, [], WINDOW, NOON, BLOCK)
    assert (answer.slots, answer.complete, answer.checked_at) == ((), True, None)


def test_a_calendar_that_was_never_read_is_unknown_not_free() -> None:
    answer = compute_availability({}, ["a"], WINDOW, NOON, BLOCK)
    assert not answer.complete
    assert in_slots(answer, SlotState.UNKNOWN, closed=True) == set(range(40))


def test_a_failure_of_the_whole_call_leaves_a_reading_good_for_its_age_and_no_longer() -> None:
    failed = reading(0, 40, error="backendError", call_failed=True)
    for age, complete in ((4, True), (5, False)):
        answer = compute_availability({"a": [reading(0, 40, age=age), failed]}, ["a"], WINDOW, NOON, BLOCK)
        assert answer.complete is complete
        assert answer.checked_at == (NOON - MINUTE * age if complete else None)


def test_an_error_of_the_calendar_stays_whatever_fails_after_it() -> None:
    later = [reading(0, 40, error="backendError", call_failed=True), reading(0, 40, error="notFound", age=1)]
    answer = compute_availability({"a": [reading(0, 40, age=2), *later]}, ["a"], WINDOW, NOON, BLOCK)
    assert in_slots(answer, SlotState.UNKNOWN) == minutes([WINDOW])


@pytest.mark.parametrize("error", ["notFound", "internalError", "rateLimitExceeded"])
def test_an_error_after_a_good_answer_makes_its_times_unknown_and_no_others(error: str) -> None:
    result = {"a": [reading(0, 20, age=1), reading(20, 40, age=1), reading(0, 20, error=error)], "b": [reading(0, 40)]}
    answer = compute_availability(result, ["a", "b"], WINDOW, NOON, BLOCK)
    assert in_slots(answer, SlotState.UNKNOWN) == set(range(20))


def test_a_time_that_is_busy_in_one_calendar_is_busy_whatever_is_unknown_elsewhere() -> None:
    answer = compute_availability(
        {"a": [reading(0, 40, interval(5, 10))]}, ["a", "b"], WINDOW, NOON, BlockingRule(on_unknown="sell")
    )
    assert in_slots(answer, SlotState.BUSY, closed=True) == set(range(5, 10))
    assert in_slots(answer, SlotState.UNKNOWN, closed=False) == set(range(40)) - set(range(5, 10))


def test_the_oldest_reading_that_was_used_says_when_it_was_checked() -> None:
    result = {
        "a": [reading(0, 20, age=3), reading(20, 40, age=1), reading(50, 60, age=4)],
        "b": [reading(0, 40, age=2)],
    }
    assert compute_availability(result, ["a", "b"], WINDOW, NOON, BLOCK).checked_at == NOON - timedelta(minutes=3)


def test_an_event_just_outside_reaches_in_with_its_padding() -> None:
    result = {"a": [reading(-20, 60, interval(-10, -2), interval(45, 50))]}
    rule = BlockingRule(before=timedelta(minutes=10), after=timedelta(minutes=5))
    answer = compute_availability(result, ["a"], WINDOW, NOON, rule)
    assert in_slots(answer, SlotState.BUSY) == {0, 1, 2, *range(35, 40)}
    assert answer.complete


def test_padding_of_what_is_unknown_is_unknown_too_and_what_is_busy_wins() -> None:
    result = {"a": [reading(-20, 20, interval(8, 10)), reading(10, 13, error="notFound"), reading(20, 60)]}
    result["a"][0] = result["a"][0].model_copy(update={"read_at": NOON - MINUTE})
    answer = compute_availability(result, ["a"], WINDOW, NOON, BlockingRule(after=timedelta(minutes=2)))
    assert in_slots(answer, SlotState.BUSY) == {8, 9, 10, 11}
    assert in_slots(answer, SlotState.UNKNOWN) == {12, 13, 14}


def test_one_of_three_boats_is_enough_where_one_is_needed() -> None:
    boats = {
        "a": [reading(0, 40, interval(0, 30))],
        "b": [reading(0, 40, interval(10, 40))],
        "c": [reading(0, 40, interval(20, 25))],
    }
    answer = compute_availability(boats, boats, WINDOW, NOON, BlockingRule(free_needed=1))
    assert in_slots(answer, *SlotState) == set(range(20, 25))


def test_a_rule_is_what_the_settings_say() -> None:
    settings = OwnerSettings(
        name="Tour", on_unknown="sell", pad_before_minutes=15, pad_after_minutes=30, free_calendars_needed=2
    )
    expected = BlockingRule(on_unknown="sell", before=15 * MINUTE, after=30 * MINUTE, free_needed=2)
    assert BlockingRule.from_settings(settings) == expected
    assert BlockingRule.from_settings(OwnerSettings(name="Tour")) == BlockingRule()
