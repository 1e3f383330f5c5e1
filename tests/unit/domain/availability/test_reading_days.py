"""Whole days of readings, as planned."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotsync.domain.availability.horizon import POLL_JITTER, Horizon, split_horizon, split_into_batches
from slotsync.domain.availability.intervals import Interval, difference, to_bounds
from slotsync.domain.availability.push_channels import PUSHED_POLL_INTERVAL
from slotsync.domain.availability.reading_plan import ReadingAttempt, WatchedCalendar, plan_reading

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
HORIZON = Horizon()
MOMENTS = st.integers(0, 10**12).map(lambda each: NOON + timedelta(microseconds=each))


class Days:
    """Calendars that are read as planned, and what a reader of them would know."""

    def __init__(self, count: int, start: datetime, horizon: Horizon) -> None:
        self.now = start
        self.calls: list[tuple[datetime, bool]] = []
        self._horizon = horizon
        self._made = 0
        self.calendars: list[WatchedCalendar] = []
        self.intervals: dict[tuple[str, int], Interval] = {}
        self.pick(count)

    def pick(self, count: int = 1) -> None:
        for _ in range(count):
            self._made += 1
            self.calendars.append(WatchedCalendar(id=f"{self._made}", calendar_id="c", pushed=self._made % 3 == 0))

    def unpick(self) -> None:
        del self.calendars[:1]

    def notify(self, place: int) -> None:
        self._set(place % len(self.calendars), notified_at=self.now)

    def read(self, *, fails: bool = False) -> None:
        """Read the planned pieces."""
        planned = plan_reading(self.calendars, self.now, self._horizon)
        assert bool(planned.readings) == (planned.next_at <= self.now)
        for piece in planned.readings:
            self.calls += [(self.now, piece.far)] * len(split_into_batches(piece.calendars))
            for each in piece.calendars:
                self._note(each.id, piece.chunk, piece.interval, fails=fails)

    def go_on(self, limit: datetime) -> None:
        """Wait for what is due next, or for something to happen."""
        self.now = min(plan_reading(self.calendars, self.now, self._horizon).next_at, limit)

    def gaps(self) -> list[str]:
        """Return the calendars of which some of the days to come were never asked for."""
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        asked = Interval(start=today, end=today + DAY * self._horizon.days)
        return [
            each.id for each in self.calendars if difference([asked.bounds], to_bounds(self._intervals_of(each.id)))
        ]

    def late(self) -> list[str]:
        """Return the calendars with a newest attempt older than allowed."""
        return [
            each.id
            for each in self.calendars
            for number, chunk in enumerate(split_horizon(self.now, self._horizon))
            if each.attempts[number].at + self._longest(each, chunk.poll_interval) < self.now
        ]

    def _longest(self, watched: WatchedCalendar, every: timedelta) -> timedelta:
        return (max(every, PUSHED_POLL_INTERVAL) if watched.pushed else every) * (1 + POLL_JITTER)

    def _intervals_of(self, name: str) -> list[Interval]:
        return [interval for (owner, _), interval in self.intervals.items() if owner == name]

    def _note(self, name: str, chunk: int, interval: Interval, *, fails: bool) -> None:
        place = next(number for number, each in enumerate(self.calendars) if each.id == name)
        known = self.calendars[place].attempts
        before = known.get(chunk, ReadingAttempt(at=self.now))
        failing_since = (before.failing_since or self.now) if fails else None
        read_at = before.read_at if fails else self.now
        attempt = ReadingAttempt(at=self.now, failing_since=failing_since, read_at=read_at)
        self._set(place, attempts={**known, chunk: attempt})
        self.intervals[name, chunk] = interval

    def _set(self, place: int, **change: object) -> None:
        self.calendars[place] = self.calendars[place].model_copy(update=change)


HAPPENINGS = st.lists(
    st.tuples(st.integers(1, 3 * 3600), st.sampled_from(["pick", "unpick", "notify", "fail", "heal"])), max_size=40
)


@settings(deadline=None, max_examples=6)
@given(HAPPENINGS, st.integers(1, 4), MOMENTS)
def test_in_any_day_of_events_every_calendar_and_every_day_is_read(
    happenings: list[tuple[int, str]], count: int, start: datetime
) -> None:
    days = Days(count, start, Horizon(poll=5 * MINUTE))
    fails, happens_at = False, start
    for wait, what in [*happenings, (DAY // SECOND, "heal")]:
        happens_at = min(happens_at + SECOND * wait, start + DAY)
        while days.now < happens_at:
            days.read(fails=fails)
            assert (days.late(), days.gaps()) == ([], [])
            days.go_on(happens_at)
        fails = what == "fail" or (fails and what != "heal")
        if what == "pick":
            days.pick()
        elif what == "unpick" and len(days.calendars) > 1:
            days.unpick()
        elif what == "notify":
            days.notify(wait)


@pytest.mark.parametrize("count", [50, 60, 101])
def test_the_near_days_take_a_call_a_minute_for_each_fifty_calendars(count: int) -> None:
    days = Days(0, NOON, HORIZON)
    days.calendars = [WatchedCalendar(id=str(each), calendar_id="c") for each in range(count)]
    while days.now < NOON + HOUR:
        days.read()
        days.go_on(NOON + HOUR)
    groups = -(-count // 50)
    near = [at for at, far in days.calls if not far]
    assert abs(len(near) / 60 / groups - 1) < 0.1
    assert max(sum(at <= each < at + MINUTE for each in near) for at in near) <= groups * 2
    assert sum(far for _, far in days.calls) <= 2 * groups * (len(split_horizon(NOON, HORIZON)) - 1)
