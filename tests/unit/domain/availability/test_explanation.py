from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.availability import Reading, SlotState, compute_availability
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.explanation import CalendarExplanation, Explanation, explain
from slotsync.domain.availability.intervals import Interval
from tests.support.interval_samples import NOON, interval
from tests.support.reading_samples import CALENDARS, PICKED, RULES, reading

QUARTER = timedelta(minutes=15)


def explained(readings: list[Reading], minute: int = 10, **rule: object) -> tuple[Explanation, CalendarExplanation]:
    at = NOON + timedelta(minutes=minute)
    result = explain({"a": readings}, {"a": "Family"}, at, NOON, BlockingRule.model_validate(rule))
    return result, result.calendars[0]


@given(CALENDARS, PICKED, RULES, st.integers(0, 39))
def test_it_says_what_availability_says(
    readings: dict[str, list[Reading]], picked: list[str], rule: BlockingRule, minute: int
) -> None:
    around, at = interval(-10, 50), NOON + timedelta(minutes=minute)
    answer = compute_availability(readings, picked, around, NOON, rule)
    there = [(slot.state, slot.closed) for slot in answer.slots if slot.span.start <= at < slot.span.end]
    result = explain(readings, {each: each.upper() for each in picked}, at, NOON, rule)
    assert (result.state, result.closed) == (there[0] if there else (SlotState.FREE, False))
    assert result.because.startswith(f"{result.state}: ")
    assert [each.name for each in result.calendars] == [each.upper() for each in picked]


@given(CALENDARS, RULES, st.integers(0, 39))
def test_the_span_that_decides_is_around_the_moment_once_it_is_padded(
    readings: dict[str, list[Reading]], rule: BlockingRule, minute: int
) -> None:
    at = NOON + timedelta(minutes=minute)
    for each in explain(readings, dict.fromkeys(readings, ""), at, NOON, rule).calendars:
        if each.span and each.padded:
            assert each.padded == Interval(start=each.span.start - rule.before, end=each.span.end + rule.after)
            assert each.padded.start <= at < each.padded.end
        else:
            assert each.state is SlotState.FREE or each.read_at is None


def test_a_busy_time_is_named_with_its_reading() -> None:
    result, family = explained([reading(0, 40, interval(5, 15), age=2)])
    assert result.because == "busy: 1 of the 1 calendars that block it is busy; all of them have to be free"
    assert (family.name, family.why, family.shut) == ("Family", "busy", True)
    assert family.span == family.padded == interval(5, 15)
    assert family.read_at == NOON - timedelta(minutes=2)
    assert family.good_until == NOON + timedelta(minutes=3)


def test_a_reading_that_is_good_through_a_failed_call_is_the_one_that_is_named() -> None:
    failed = reading(0, 40, error="backendError", call_failed=True)
    _, family = explained([reading(0, 40, age=2), failed])
    assert (family.state, family.why, family.error) == (SlotState.FREE, "free", "")
    assert family.read_at == NOON - timedelta(minutes=2)
    _, family = explained([reading(0, 40, age=9), failed])
    assert (family.state, family.why) == (SlotState.UNKNOWN, "the calendar could not be read: backendError")


def test_padding_is_named() -> None:
    result, family = explained([reading(0, 40, interval(20, 25))], before=QUARTER)
    assert result.because.endswith(". Busy times are padded by 15 minutes before and 0 minutes after")
    assert family.why == "within the padding of a busy time"
    assert (family.span, family.padded) == (interval(20, 25), interval(5, 25))


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ([], "never read"),
        ([reading(20, 40)], "never read"),
        ([reading(0, 40, age=9)], "the reading is too old"),
        ([reading(0, 40, age=1), reading(0, 40, error="notFound")], "the calendar could not be read: notFound"),
    ],
)
def test_an_unknown_time_has_its_cause_named(readings: list[Reading], why: str) -> None:
    result, family = explained(readings)
    assert result.because == (
        "unknown: 1 of the 1 calendars that block it is unknown; all of them have to be free. "
        "on_unknown is block, so it cannot be booked"
    )
    assert (family.state, family.why, family.shut) == (SlotState.UNKNOWN, why, True)


def test_what_is_next_to_an_unknown_time_is_unknown_by_its_padding() -> None:
    _, family = explained([reading(0, 20), reading(20, 40, error="notFound")], before=QUARTER)
    assert family.why == "within the padding of an unknown time: the calendar could not be read: notFound"
    assert (family.span, family.error) == (interval(20, 40), "notFound")


@pytest.mark.parametrize(("busy", "closed"), [((), False), ((interval(0, 40),), True)])
def test_what_was_known_last_decides_where_it_was_chosen(busy: tuple[Interval, ...], *, closed: bool) -> None:
    result, family = explained([reading(0, 40, *busy, age=30)], on_unknown="last_known:1")
    can = "cannot" if closed else "can"
    assert result.because.endswith(
        f"on_unknown is last_known:1 (what was read in the last 1 h counts), so it {can} be booked"
    )
    assert result.closed == family.shut == closed


def test_what_is_free_says_how_many_had_to_be() -> None:
    boats = {"a": [reading(0, 40, interval(0, 30))], "b": [reading(0, 40)], "c": [reading(0, 40)]}
    result = explain(boats, {each: each for each in boats}, NOON, NOON, BlockingRule(free_needed=1))
    assert result.because == "free: 2 of the 3 calendars that block it are free; 1 of them has to be free"


def test_without_calendars_it_is_free() -> None:
    result = explain({}, {}, NOON, NOON, BlockingRule())
    assert (result.state, result.because, result.calendars) == (SlotState.FREE, "free: no calendar blocks it", ())


def test_a_calendars_name_is_in_no_repr() -> None:
    result, _ = explained([reading(0, 40)])
    assert "Family" not in repr(result) + str(result)
