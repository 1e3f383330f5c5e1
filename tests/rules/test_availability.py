from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.rules.availability import Availability, Reading, SlotState, availability
from slotsync.rules.span import Span
from tests.rules.test_span import NOON, Minutes, minutes, span

ASKED = span(0, 40)
FRESH = timedelta(minutes=5)
ON_UNKNOWN = ("block", "sell", "last_known:1")
HOUR = 60


def reading(start: int, end: int, *busy: Span, age: int = 0, error: str = "") -> Reading:
    """A reading that was made so many minutes ago."""
    read_at = NOON - timedelta(minutes=age)
    return Reading(span=span(start, end), read_at=read_at, good_until=read_at + FRESH, busy=busy, error=error)


READINGS = st.builds(
    lambda start, length, busy, age, error: reading(start, start + length, *busy, age=age, error=error),
    st.integers(-5, 35),
    st.integers(1, 45),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(1, 8)).map(lambda t: span(t[0], t[0] + t[1])), max_size=3),
    st.integers(0, 90),
    st.sampled_from(["", "", "", "notFound", "internalError"]),
)
CALENDARS = st.dictionaries(
    st.sampled_from("abc"), st.lists(READINGS, max_size=4, unique_by=lambda each: each.read_at), max_size=3
)


def state_of(readings: list[Reading], minute: int, oldest: int) -> str:
    """What one calendar says of one minute: the newest word on it, if that is good and young enough."""
    on_it = [each for each in readings if minute in minutes([each.span])]
    newest = max(on_it, key=lambda each: each.read_at, default=None)
    if newest is None or newest.error or NOON - newest.read_at >= timedelta(minutes=oldest):
        return "unknown"
    return "busy" if minute in minutes(list(newest.busy)) else "free"


def closed_in(readings: list[Reading], minute: int, on_unknown: str) -> bool:
    """Whether one calendar closes one minute."""
    state = state_of(readings, minute, 5)
    if state != "unknown":
        return state == "busy"
    if on_unknown == "last_known:1":
        good = [each for each in readings if not each.error]
        return state_of(good, minute, HOUR + 1) != "free"
    return on_unknown == "block"


def in_slots(answer: Availability, *states: SlotState, closed: bool | None = None) -> Minutes:
    chosen = [each for each in answer.slots if each.state in states and closed in {None, each.closed}]
    return minutes([each.span for each in chosen])


@given(CALENDARS, st.sampled_from(ON_UNKNOWN))
def test_every_minute_is_what_the_calendars_say_one_by_one(readings: dict[str, list[Reading]], on_unknown: str) -> None:
    answer = availability(readings, ["a", "b", "c"], ASKED, NOON, on_unknown)
    calendars = [readings.get(each, []) for each in "abc"]
    for minute in range(40):
        states = {state_of(each, minute, 5) for each in calendars}
        expected = "busy" if "busy" in states else "unknown" if "unknown" in states else "free"
        assert (minute in in_slots(answer, SlotState.BUSY)) == (expected == "busy"), minute
        assert (minute in in_slots(answer, SlotState.UNKNOWN)) == (expected == "unknown"), minute
        closed = any(closed_in(each, minute, on_unknown) for each in calendars)
        assert (minute in in_slots(answer, *SlotState, closed=True)) == closed, minute
    assert answer.complete == (not in_slots(answer, SlotState.UNKNOWN))


def test_without_calendars_all_is_free_and_nothing_had_to_be_read() -> None:
    answer = availability({}, [], ASKED, NOON, "block")
    assert (answer.slots, answer.complete, answer.checked_at) == ((), True, None)


def test_a_calendar_that_was_never_read_is_unknown_not_free() -> None:
    answer = availability({}, ["a"], ASKED, NOON, "block")
    assert not answer.complete
    assert in_slots(answer, SlotState.UNKNOWN, closed=True) == set(range(40))


@pytest.mark.parametrize("error", ["notFound", "internalError", "rateLimitExceeded"])
def test_an_error_after_a_good_answer_makes_its_times_unknown_and_no_others(error: str) -> None:
    told = {"a": [reading(0, 20, age=1), reading(20, 40, age=1), reading(0, 20, error=error)], "b": [reading(0, 40)]}
    answer = availability(told, ["a", "b"], ASKED, NOON, "block")
    assert in_slots(answer, SlotState.UNKNOWN) == set(range(20))


def test_what_one_calendar_knows_to_be_busy_is_busy_whatever_is_unknown_elsewhere() -> None:
    answer = availability({"a": [reading(0, 40, span(5, 10))]}, ["a", "b"], ASKED, NOON, "sell")
    assert in_slots(answer, SlotState.BUSY, closed=True) == set(range(5, 10))
    assert in_slots(answer, SlotState.UNKNOWN, closed=False) == set(range(40)) - set(range(5, 10))


def test_the_oldest_reading_that_was_used_says_when_it_was_checked() -> None:
    told = {"a": [reading(0, 20, age=3), reading(20, 40, age=1), reading(50, 60, age=4)], "b": [reading(0, 40, age=2)]}
    assert availability(told, ["a", "b"], ASKED, NOON, "block").checked_at == NOON - timedelta(minutes=3)
