from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.calendars.creation_limit import (
    MAX_CALENDARS_PER_HOUR,
    PERMIT_COUNT_WINDOW,
    PERMIT_VALIDITY,
    Permit,
    queue_position,
    sort_by_need,
)
from slotsync.domain.calendars.owner import Owner

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOURS = [Owner.product(f"tour-{number:03}") for number in range(150)]
NOBODY_BOOKED: dict[Owner, datetime | None] = dict.fromkeys(TOURS)


def used(count: int, at: datetime = NOON) -> list[Permit]:
    return [Permit(owner=Owner.product(f"made-{number}"), since=at, used=True) for number in range(count)]


@pytest.mark.parametrize(
    ("number", "taken", "at"),
    [
        pytest.param(0, [], NOON, id="an empty hour: at once"),
        pytest.param(39, [], NOON, id="the last that fits: at once"),
        pytest.param(40, [], NOON + PERMIT_COUNT_WINDOW, id="one more: after the first ones"),
        pytest.param(79, [], NOON + PERMIT_COUNT_WINDOW, id="the last of the second hour"),
        pytest.param(149, [], NOON + 3 * PERMIT_COUNT_WINDOW, id="the last of 150"),
        pytest.param(0, used(39), NOON, id="one place is left: taken"),
        pytest.param(1, used(39), NOON + PERMIT_COUNT_WINDOW, id="but only by one"),
        pytest.param(
            0, used(40, NOON - HOUR), NOON + PERMIT_VALIDITY, id="permits count as long as they may be used late"
        ),
        pytest.param(0, used(40, NOON - PERMIT_COUNT_WINDOW), NOON, id="long ago: no matter"),
        pytest.param(
            0, used(40, NOON + HOUR), NOON + HOUR + PERMIT_COUNT_WINDOW, id="a clock that is ahead: waited for"
        ),
    ],
)
def test_the_next_forty_are_made_when_the_first_ones_no_longer_count(
    number: int, taken: list[Permit], at: datetime
) -> None:
    result = queue_position(TOURS[number], NOBODY_BOOKED, taken, NOON)
    assert (result.position, result.at) == (number + 1, at)


def test_the_soonest_needed_come_first_and_those_without_bookings_last() -> None:
    a, b, c, d = TOURS[:4]
    assert sort_by_need({a: None, b: NOON + HOUR, c: NOON, d: NOON + HOUR}) == [c, b, d, a]


def test_an_attempt_in_progress_keeps_its_place_however_long_it_takes() -> None:
    trying = [Permit(owner=owner, since=NOON) for owner in TOURS[:MAX_CALENDARS_PER_HOUR]]
    later = NOON + timedelta(minutes=30)
    assert queue_position(TOURS[0], NOBODY_BOOKED, trying, later).at == later
    behind = queue_position(TOURS[MAX_CALENDARS_PER_HOUR], NOBODY_BOOKED, trying, later)
    assert (behind.position, behind.at) == (1, NOON + PERMIT_COUNT_WINDOW), "those that try are not before it in line"


def test_a_calendar_that_is_created_again_waits_like_a_new_one() -> None:
    permits = [Permit(owner=TOURS[0], since=NOON, used=True), *used(MAX_CALENDARS_PER_HOUR - 1)]
    assert queue_position(TOURS[0], {TOURS[0]: NOON}, permits, NOON + HOUR).at == NOON + PERMIT_COUNT_WINDOW


def test_permits_of_other_merchants_with_the_account_count_like_ones_own() -> None:
    own = [Permit(owner=TOURS[0], since=NOON), *used(20)]
    result = queue_position(TOURS[1], NOBODY_BOOKED, own, NOON, elsewhere=[NOON - HOUR] * 18)
    assert (result.position, result.at) == (1, NOON)
    result = queue_position(TOURS[1], NOBODY_BOOKED, own, NOON, elsewhere=[NOON - HOUR] * 19)
    assert (result.position, result.at) == (1, NOON + PERMIT_VALIDITY)


ASKS = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 300), st.booleans()), max_size=60)


@given(before=ASKS, crowded=st.integers(0, 300), after=ASKS)
def test_never_more_than_forty_in_an_hour_by_any_order_and_clock(
    before: list[tuple[int, int, bool]], crowded: int, after: list[tuple[int, int, bool]]
) -> None:
    permits, refused = list[Permit](), 0
    for number, minute, succeeds in [*before, *((each, crowded, True) for each in range(60)), *after]:
        owner, now = TOURS[number], NOON + timedelta(minutes=minute)
        if queue_position(owner, NOBODY_BOOKED, permits, now).at <= now:
            permits = [each for each in permits if each.used or each.owner != owner]
            permits.append(Permit(owner=owner, since=now, used=succeeds))
        else:
            refused += 1
    times = [each.since for each in permits]
    assert refused, "sixty ask in one minute"
    assert all(
        sum(start <= each < start + PERMIT_COUNT_WINDOW for each in times) <= MAX_CALENDARS_PER_HOUR for start in times
    )
