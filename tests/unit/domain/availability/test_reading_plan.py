from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.horizon import FAR_POLL_INTERVAL, POLL_JITTER, Horizon, split_horizon
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.availability.reading_plan import (
    MIN_FAR_READING_GAP,
    MIN_NEAR_READING_GAP,
    ReadingAttempt,
    ReadingPlan,
    WatchedCalendar,
    plan_reading,
)
from slotsync.domain.retry_delays import MIN_READING_RETRY_DELAY, READING_RETRY_DIVISOR

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
HORIZON = Horizon()
MOMENTS = st.integers(0, 10**12).map(lambda each: NOON + timedelta(microseconds=each))
NEAR, FAR = 0, 1


def plan(*calendars: WatchedCalendar, at: datetime = NOON) -> ReadingPlan:
    return plan_reading(calendars, at, HORIZON)


def calendar(name: str = "c", *, read_at: datetime = NOON, **more: object) -> WatchedCalendar:
    """Return a calendar of which everything was read at one moment."""
    attempts = {
        number: ReadingAttempt(at=read_at, read_at=read_at) for number in range(len(split_horizon(read_at, HORIZON)))
    }
    return WatchedCalendar.model_validate({"id": name, "calendar_id": name, "attempts": attempts, **more})


def failing(since: datetime, at: datetime, chunk: int = NEAR, **more: object) -> WatchedCalendar:
    """Return a calendar of which a chunk has been failing since a time, at ``at`` again, after a good reading."""
    well = calendar(read_at=at)
    read_at = since - HOUR
    attempts = {**well.attempts, chunk: ReadingAttempt(at=at, failing_since=since, read_at=read_at)}
    return well.model_copy(update={"attempts": attempts, **more})


def due_after(watched: WatchedCalendar, chunk: int = NEAR, since: datetime = NOON) -> timedelta:
    """Return the time until a chunk of the calendar is read, to the second."""
    seconds = range(2 * 60 * 60)
    return SECOND * bisect_left(
        seconds, True, key=lambda each: chunk in numbers(plan(watched, at=since + SECOND * each))
    )


def numbers(planned: ReadingPlan) -> set[int]:
    return {piece.chunk for piece in planned.readings}


def test_everything_is_read_at_once_at_first() -> None:
    never = WatchedCalendar(id="c", calendar_id="c")
    planned = plan(never)
    assert [piece.interval for piece in planned.readings] == [chunk.interval for chunk in split_horizon(NOON, HORIZON)]
    assert [piece.far for piece in planned.readings] == [False, *[True] * (len(planned.readings) - 1)]
    assert all(piece.calendars == (never,) for piece in planned.readings)
    assert planned.next_at == NOON


def test_without_calendars_there_is_nothing_to_read() -> None:
    assert plan() == ReadingPlan(readings=(), next_at=NOON + HORIZON.poll)


def test_a_new_calendar_is_read_alone_while_the_others_are_fresh() -> None:
    new = WatchedCalendar(id="new", calendar_id="new")
    readings = plan(calendar(), new, at=NOON + SECOND).readings
    assert [piece.calendars for piece in readings] == [(new,)] * len(split_horizon(NOON, HORIZON))


@given(MOMENTS)
def test_a_calendar_is_read_again_after_its_time_with_a_quarter_of_jitter(at: datetime) -> None:
    watched = calendar(read_at=at)
    assert not plan(watched, at=at + HORIZON.poll * (1 - POLL_JITTER) - SECOND).readings
    assert numbers(plan(watched, at=at + HORIZON.poll * (1 + POLL_JITTER))) == {NEAR}
    assert FAR not in numbers(plan(watched, at=at + FAR_POLL_INTERVAL * (1 - POLL_JITTER) - SECOND))
    assert FAR in numbers(plan(watched, at=at + FAR_POLL_INTERVAL * (1 + POLL_JITTER)))


def test_the_jitter_is_another_one_each_time_and_favours_no_side() -> None:
    waits = [(plan(calendar(read_at=at), at=at).next_at - at) / HORIZON.poll for at in moments(1000)]
    assert min(waits) < 1 - 0.9 * POLL_JITTER
    assert max(waits) > 1 + 0.9 * POLL_JITTER
    assert abs(sum(waits) / len(waits) - 1) < 0.02


def moments(count: int) -> Iterator[datetime]:
    random = Random(1)
    return (NOON + timedelta(seconds=random.uniform(0, 10**6)) for _ in range(count))


@given(MOMENTS, st.floats(0, 2))
def test_calendars_that_were_read_together_are_read_together_again(at: datetime, hours: float) -> None:
    together = (calendar("a", read_at=at), calendar("b", read_at=at))
    readings = plan(*together, at=at + HOUR * hours).readings
    assert readings or HOUR * hours < HORIZON.poll * (1 + POLL_JITTER)
    assert [piece.calendars for piece in readings] == [together] * len(readings)


@given(MOMENTS)
def test_all_far_days_are_read_together(at: datetime) -> None:
    watched = calendar(read_at=at)
    far = plan(watched, at=at + due_after(watched, FAR, since=at)).readings
    assert sum(piece.far for piece in far) == len(split_horizon(at, HORIZON)) - 1


@given(MOMENTS, st.integers(0, 40))
def test_what_is_nearly_due_is_taken_along(at: datetime, behind: int) -> None:
    older, younger = calendar("older", read_at=at), calendar("younger", read_at=at + SECOND * behind)
    due = plan(older, at=at).next_at
    (piece,) = plan(older, younger, at=due).readings
    assert (younger in piece.calendars) == (plan(younger, at=at).next_at <= due + HORIZON.poll / 2)


def test_what_was_just_read_is_not() -> None:
    older, younger = calendar("older"), calendar("younger", read_at=NOON + 70 * SECOND)
    (piece,) = plan(older, younger, at=NOON + 75 * SECOND).readings
    assert piece.calendars == (older,)


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("chunk", [NEAR, FAR])
def test_a_first_failure_is_repeated_after_five_seconds_whatever_the_piece(chunk: int, pushed: bool) -> None:
    assert due_after(failing(NOON, NOON, chunk, pushed=pushed), chunk) == MIN_READING_RETRY_DELAY == 5 * SECOND
    never = WatchedCalendar(id="c", calendar_id="c", pushed=pushed, attempts=never_read(since=NOON, at=NOON))
    assert due_after(never, chunk) == MIN_READING_RETRY_DELAY


def never_read(since: datetime, at: datetime) -> dict[int, ReadingAttempt]:
    chunks = range(len(split_horizon(NOON, HORIZON)))
    return {number: ReadingAttempt(at=at, failing_since=since) for number in chunks}


@pytest.mark.parametrize(("chunk", "longest"), [(NEAR, HORIZON.poll), (FAR, FAR_POLL_INTERVAL)])
def test_a_failed_reading_is_repeated_ever_more_slowly_from_the_first_failure_on(
    chunk: int, longest: timedelta
) -> None:
    at = NOON
    waits: list[timedelta] = []
    while not waits or waits[-1] < longest * (1 - POLL_JITTER):
        waits.append(due_after(failing(NOON, at, chunk), chunk, since=at))
        at += waits[-1]
    assert waits == sorted(waits)
    assert all(wait <= max((at - NOON) / READING_RETRY_DIVISOR, MIN_READING_RETRY_DELAY) for wait in waits)
    assert len(waits) < 40


@pytest.mark.parametrize("pushed", [False, True])
def test_a_calendar_that_was_never_read_is_tried_at_the_normal_pace_and_its_far_days_often_enough(pushed: bool) -> None:
    attempts = never_read(since=NOON - DAY, at=NOON)
    never = WatchedCalendar(id="c", calendar_id="c", pushed=pushed, attempts=attempts)
    assert due_after(never) <= HORIZON.poll
    assert due_after(never, FAR) == PUSHED_POLL_INTERVAL


def test_a_change_that_could_not_be_read_is_tried_again_soon_however_long_it_has_been_failing() -> None:
    watched = failing(NOON - HOUR, NOON, pushed=True, notified_at=NOON - SECOND)
    assert due_after(watched) == MIN_READING_RETRY_DELAY


def test_a_notification_makes_the_calendar_due_at_once() -> None:
    at = NOON + 10 * SECOND
    notified, quiet = calendar("rung", notified_at=at, pushed=True), calendar("quiet", pushed=True)
    (piece,) = plan(notified, quiet, at=at).readings
    assert piece.calendars == (notified,)


def test_a_notification_before_the_last_reading_changes_nothing() -> None:
    assert plan(calendar(notified_at=NOON, pushed=True), at=NOON + SECOND).readings == ()


def test_many_notifications_cause_few_readings() -> None:
    notified = calendar(notified_at=NOON + SECOND / 10, pushed=True)
    early = plan(notified, at=NOON + SECOND / 5)
    assert early == ReadingPlan(readings=(), next_at=NOON + MIN_NEAR_READING_GAP)
    assert numbers(plan(notified, at=NOON + MIN_NEAR_READING_GAP)) == {NEAR}
    assert due_after(notified, FAR) == MIN_FAR_READING_GAP


def test_a_notification_recorded_for_later_is_waited_for() -> None:
    notified = calendar(notified_at=NOON + 20 * SECOND, pushed=True)
    assert plan(notified, at=NOON + 19 * SECOND) == ReadingPlan(readings=(), next_at=NOON + 20 * SECOND)


@given(MOMENTS)
def test_a_calendar_with_push_is_polled_every_ten_minutes(at: datetime) -> None:
    wait = plan(calendar(read_at=at, pushed=True), at=at).next_at - at
    assert PUSHED_POLL_INTERVAL * (1 - POLL_JITTER) <= wait <= PUSHED_POLL_INTERVAL * (1 + POLL_JITTER)


def test_a_calendar_that_lost_its_push_is_read_at_once() -> None:
    assert numbers(plan(calendar(pushed=False), at=NOON + 2 * MINUTE)) == {NEAR}


@pytest.mark.parametrize(("pushed", "every"), [(False, HORIZON.poll), (True, PUSHED_POLL_INTERVAL)])
def test_a_reading_is_believed_until_three_rounds_were_missed(pushed: bool, every: timedelta) -> None:
    (near, far, *_) = plan(WatchedCalendar(id="c", calendar_id="c", pushed=pushed)).readings
    assert near.good_for == (3 * every * (1 + POLL_JITTER),)
    assert far.good_for == (3 * FAR_POLL_INTERVAL * (1 + POLL_JITTER),)


def test_a_change_that_was_told_and_not_read_is_known_and_shortens_the_trust_to_that_without_push() -> None:
    told = calendar(notified_at=NOON + SECOND, pushed=True)
    assert told.has_unread_change(NEAR)
    assert not calendar(notified_at=NOON, pushed=True).has_unread_change(NEAR)
    assert not WatchedCalendar(id="c", calendar_id="c", notified_at=NOON).has_unread_change(NEAR)
    (near, *_) = plan(told, at=NOON + MIN_NEAR_READING_GAP).readings
    assert near.kept_for == 3 * HORIZON.poll * (1 + POLL_JITTER)


def test_nothing_that_is_logged_names_a_calendar() -> None:
    watched = WatchedCalendar(id="w-1", calendar_id="kari@example.com")
    shown = f"{watched} {watched!r} {plan(watched)}"
    assert shown.count("w-1") > 2
    assert "kari" not in shown
