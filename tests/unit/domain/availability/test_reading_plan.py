from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.horizon import FAR_EVERY, JITTER, Horizon, chunks
from slotsync.domain.availability.push_channels import SLOW_POLL
from slotsync.domain.availability.reading_plan import (
    FAR_GAP,
    NEAR_GAP,
    RETRY_SHARE,
    SOONEST_RETRY,
    Attempt,
    ReadingPlan,
    WatchedCalendar,
    plan_reading,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
HORIZON = Horizon()
MOMENTS = st.integers(0, 10**12).map(lambda each: NOON + timedelta(microseconds=each))
NEAR, FAR = 0, 1


def plan(*calendars: WatchedCalendar, at: datetime = NOON) -> ReadingPlan:
    return plan_reading(calendars, at, HORIZON)


def calendar(name: str = "c", *, read_at: datetime = NOON, **more: object) -> WatchedCalendar:
    """One of which everything was read at a moment."""
    attempts = {number: Attempt(at=read_at, read_at=read_at) for number in range(len(chunks(read_at, HORIZON)))}
    return WatchedCalendar.model_validate({"id": name, "calendar_id": name, "attempts": attempts, **more})


def failing(since: datetime, at: datetime, **more: object) -> WatchedCalendar:
    """One whose near days were last read, and then failed to be."""
    well = calendar(read_at=at)
    attempts = {**well.attempts, NEAR: Attempt(at=at, failed=True, read_at=since)}
    return well.model_copy(update={"attempts": attempts, **more})


def due_after(watched: WatchedCalendar, chunk: int = NEAR, since: datetime = NOON) -> timedelta:
    """When a chunk of it is read, to the second."""
    seconds = range(2 * 60 * 60)
    return SECOND * bisect_left(
        seconds, True, key=lambda each: chunk in numbers(plan(watched, at=since + SECOND * each))
    )


def numbers(planned: ReadingPlan) -> set[int]:
    return {piece.chunk for piece in planned.pieces}


def test_everything_is_read_at_once_at_first() -> None:
    never = WatchedCalendar(id="c", calendar_id="c")
    planned = plan(never)
    assert [piece.span for piece in planned.pieces] == [chunk.span for chunk in chunks(NOON, HORIZON)]
    assert [piece.far for piece in planned.pieces] == [False, *[True] * (len(planned.pieces) - 1)]
    assert all(piece.calendars == (never,) for piece in planned.pieces)
    assert planned.next_at == NOON


def test_without_calendars_there_is_nothing_to_read() -> None:
    assert plan() == ReadingPlan(pieces=(), next_at=NOON + HORIZON.poll)


def test_a_new_calendar_is_read_alone_while_the_others_are_fresh() -> None:
    new = WatchedCalendar(id="new", calendar_id="new")
    assert all(piece.calendars == (new,) for piece in plan(calendar(), new, at=NOON + SECOND).pieces)


@given(MOMENTS)
def test_a_calendar_is_read_again_after_its_time_with_a_quarter_of_jitter(at: datetime) -> None:
    watched = calendar(read_at=at)
    assert not plan(watched, at=at + HORIZON.poll * (1 - JITTER) - SECOND).pieces
    assert numbers(plan(watched, at=at + HORIZON.poll * (1 + JITTER))) == {NEAR}
    assert FAR not in numbers(plan(watched, at=at + FAR_EVERY * (1 - JITTER) - SECOND))
    assert FAR in numbers(plan(watched, at=at + FAR_EVERY * (1 + JITTER)))


def test_the_jitter_is_another_one_each_time_and_favours_no_side() -> None:
    waits = [(plan(calendar(read_at=at), at=at).next_at - at) / HORIZON.poll for at in moments(1000)]
    assert min(waits) < 1 - 0.9 * JITTER
    assert max(waits) > 1 + 0.9 * JITTER
    assert abs(sum(waits) / len(waits) - 1) < 0.02


def moments(count: int) -> Iterator[datetime]:
    random = Random(1)
    return (NOON + timedelta(seconds=random.uniform(0, 10**6)) for _ in range(count))


@given(MOMENTS, st.floats(0, 2))
def test_calendars_that_were_read_together_are_read_together_again(at: datetime, hours: float) -> None:
    together = (calendar("a", read_at=at), calendar("b", read_at=at))
    for piece in plan(*together, at=at + HOUR * hours).pieces:
        assert piece.calendars == together


@given(MOMENTS)
def test_all_far_days_are_read_together(at: datetime) -> None:
    watched = calendar(read_at=at)
    far = plan(watched, at=at + due_after(watched, FAR, since=at)).pieces
    assert sum(piece.far for piece in far) == len(chunks(at, HORIZON)) - 1


@given(MOMENTS, st.integers(0, 40))
def test_what_is_nearly_due_is_taken_along(at: datetime, behind: int) -> None:
    older, younger = calendar("older", read_at=at), calendar("younger", read_at=at + SECOND * behind)
    due = plan(older, at=at).next_at
    (piece,) = plan(older, younger, at=due).pieces
    assert (younger in piece.calendars) == (plan(younger, at=at).next_at <= due + HORIZON.poll / 2)


def test_what_was_just_read_is_not() -> None:
    older, younger = calendar("older"), calendar("younger", read_at=NOON + 70 * SECOND)
    (piece,) = plan(older, younger, at=NOON + 75 * SECOND).pieces
    assert piece.calendars == (older,)


def test_a_failed_reading_is_repeated_soon_and_then_ever_more_slowly() -> None:
    since, at = NOON, NOON + MINUTE
    waits: list[timedelta] = []
    while not waits or waits[-1] < HORIZON.poll * (1 - JITTER):
        waits.append(due_after(failing(since, at), since=at))
        at += waits[-1]
    assert waits[0] == MINUTE / RETRY_SHARE
    assert waits == sorted(waits)
    assert len(waits) < 10


def test_a_failure_is_never_repeated_at_once() -> None:
    assert due_after(failing(NOON - SECOND, NOON)) == SOONEST_RETRY


@pytest.mark.parametrize("pushed", [False, True])
def test_a_calendar_that_was_never_read_is_tried_at_the_normal_pace_and_its_far_days_often_enough(pushed: bool) -> None:
    attempts = {number: Attempt(at=NOON, failed=True) for number in range(len(chunks(NOON, HORIZON)))}
    never = WatchedCalendar(id="c", calendar_id="c", pushed=pushed, attempts=attempts)
    assert due_after(never) <= HORIZON.poll
    assert due_after(never, FAR) == SLOW_POLL


def test_a_change_that_could_not_be_read_is_tried_again_soon_however_old_the_last_reading_is() -> None:
    watched = failing(NOON - SLOW_POLL, NOON, pushed=True, rung_at=NOON - SECOND)
    assert due_after(watched) == SOONEST_RETRY


def test_a_ring_makes_the_calendar_due_at_once() -> None:
    at = NOON + 10 * SECOND
    rung, quiet = calendar("rung", rung_at=at, pushed=True), calendar("quiet", pushed=True)
    (piece,) = plan(rung, quiet, at=at).pieces
    assert piece.calendars == (rung,)


def test_a_ring_before_the_last_reading_says_nothing_new() -> None:
    assert plan(calendar(rung_at=NOON, pushed=True), at=NOON + SECOND).pieces == ()


def test_a_storm_of_rings_causes_few_readings() -> None:
    rung = calendar(rung_at=NOON + SECOND / 10, pushed=True)
    early = plan(rung, at=NOON + SECOND / 5)
    assert early == ReadingPlan(pieces=(), next_at=NOON + NEAR_GAP)
    assert numbers(plan(rung, at=NOON + NEAR_GAP)) == {NEAR}
    assert due_after(rung, FAR) == FAR_GAP


def test_a_ring_that_is_noted_for_later_is_waited_for() -> None:
    rung = calendar(rung_at=NOON + 20 * SECOND, pushed=True)
    assert plan(rung, at=NOON + 19 * SECOND) == ReadingPlan(pieces=(), next_at=NOON + 20 * SECOND)


@given(MOMENTS)
def test_a_calendar_of_which_google_tells_is_polled_every_ten_minutes(at: datetime) -> None:
    wait = plan(calendar(read_at=at, pushed=True), at=at).next_at - at
    assert SLOW_POLL * (1 - JITTER) <= wait <= SLOW_POLL * (1 + JITTER)


def test_a_calendar_of_which_google_tells_no_more_is_read_at_once() -> None:
    assert numbers(plan(calendar(pushed=False), at=NOON + 2 * MINUTE)) == {NEAR}


@pytest.mark.parametrize(("pushed", "every"), [(False, HORIZON.poll), (True, SLOW_POLL)])
def test_a_reading_is_believed_until_three_rounds_were_missed(pushed: bool, every: timedelta) -> None:
    (near, far, *_) = plan(WatchedCalendar(id="c", calendar_id="c", pushed=pushed)).pieces
    assert near.good_for == (3 * every * (1 + JITTER),)
    assert far.good_for == (3 * FAR_EVERY * (1 + JITTER),)


def test_nothing_that_is_logged_names_a_calendar() -> None:
    watched = WatchedCalendar(id="w-1", calendar_id="kari@example.com")
    assert "kari" not in f"{watched} {watched!r} {plan(watched)}"
