"""Read an account's busy times: the first process that acquires the lease reads for all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from slotsync.busy_times.push_channels import ChannelUpkeep
from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.horizon import Horizon, split_into_batches
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.reading_plan import (
    PlannedReading,
    ReadingAttempt,
    ReadingPlan,
    WatchedCalendar,
    plan_reading,
)
from slotsync.domain.messages import Message
from slotsync.errors import GoogleError, GrantLost, QuotaExhausted, RateLimited, ScopeMissing
from slotsync.google.freebusy import BusyTimes, GoogleBusyTimes
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.managed_calendars import ManagedCalendars

_ACCOUNT_ERRORS = (GrantLost, ScopeMissing, RateLimited, QuotaExhausted)
"""Errors that the next call for the account would meet, too."""

Query = Callable[[Sequence[str], Interval], dict[str, BusyTimes]]


class ReadingRound:
    """The calls of one poll, one after the other. A call that fails concerns its calendars, and no others.

    After a call that Google did not answer, the rest waits for another poll: this one would take minutes.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._account_error = ""
        self._timed_out = False
        self.calls = 0

    def read(self, piece: PlannedReading) -> Iterator[NewReading]:
        """Yield a reading, which may be an error, for each calendar of the piece that Google was asked for."""
        for batch in split_into_batches(list(zip(piece.calendars, piece.good_for, strict=True))):
            if self._timed_out:
                return
            answers = self._answers([calendar.calendar_id for calendar, _ in batch], piece.interval)
            for calendar, good_for in batch:
                yield _reading(piece, calendar, answers, good_for)

    def _answers(self, calendar_ids: Sequence[str], interval: Interval) -> "Answers":
        """Return the answer for each calendar, or the reason why there is none for any."""
        if self._account_error:
            return self._account_error
        self.calls += 1
        try:
            return self._query(calendar_ids, interval)
        except GoogleError as error:
            self._account_error = error.reason if isinstance(error, _ACCOUNT_ERRORS) else ""
            self._timed_out = error.reason == "timeout"
            return error.reason


Answers = Mapping[str, BusyTimes] | str


def _reading(piece: PlannedReading, calendar: WatchedCalendar, answers: Answers, good_for: timedelta) -> NewReading:
    call_failed = isinstance(answers, str)
    has_changed = call_failed and calendar.has_unread_change(piece.chunk)
    times = BusyTimes(error=answers) if isinstance(answers, str) else answers[calendar.calendar_id]
    return NewReading(
        watched_id=calendar.id,
        chunk=piece.chunk,
        interval=piece.interval,
        busy=() if times.error else times.busy,
        error=times.error,
        call_failed=call_failed,
        good_for=piece.kept_for if has_changed else good_for,
    )


LEASE_DURATION: Final = timedelta(seconds=25)
"""The time for which an account belongs to the holder of its lease, counted from its last call: longer than a call
may take, and no longer than the heartbeat timeout of a watch. A holder that dies holds up the others for no longer."""

LEASE_RETRY_DELAY: Final = timedelta(seconds=1)
"""When to look again what another process has read."""

RenewLease = Callable[[], None]


class PollResult(Message):
    """When the next poll is due, how many calls to Google this one took, and how many calendars the account has.

    ``calendars`` is 0, too, where another process holds the lease.
    """

    next_at: datetime
    calls: int = 0
    calendars: int = 0


class Poller:
    """Reads what is due of an account, once for all processes, and records it in the store."""

    def __init__(  # noqa: PLR0913, PLR0917  all that a reading touches
        self,
        accounts: WatchedAccounts,
        readings: BusyReadings,
        managed: ManagedCalendars,
        google: GoogleBusyTimes,
        upkeep: ChannelUpkeep,
        health: ConnectionHealth,
        horizon: Horizon,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._accounts = accounts
        self._readings = readings
        self._managed = managed
        self._google = google
        self._upkeep = upkeep
        self._health = health
        self._horizon = horizon
        self._clock = clock

    def poll(self, connection_id: str) -> PollResult:
        """Read what is due now, unless another process does.

        The account's calendars are loaded and decrypted once before the lease and, if something is due, once after it.
        """
        self._accounts.add(connection_id)
        blocking, watched = self._load(connection_id)
        plan = self._plan(watched)
        in_step = blocking == _calendar_ids(watched) and not self._upkeep.is_due(connection_id, watched)
        if in_step and not plan.readings:
            return PollResult(next_at=plan.next_at, calendars=len(watched))
        with self._lease(connection_id) as renew_lease:
            if renew_lease is None:
                return PollResult(next_at=self._clock() + LEASE_RETRY_DELAY)
            return self._poll_with_lease(connection_id, renew_lease)

    def _poll_with_lease(self, connection_id: str, renew_lease: RenewLease) -> PollResult:
        """Load everything anew, since another process may have had the lease meanwhile, and read what is due."""
        watched, stop_calls = self._update_watched(connection_id)
        round_ = ReadingRound(
            lambda calendar_ids, interval: self._query(connection_id, renew_lease, calendar_ids, interval)
        )
        pieces = self._plan(watched).readings
        for far in (False, True):
            due = [piece for piece in pieces if piece.far is far]
            watched = self._read_together(connection_id, round_, due, watched)
        upkeep = self._upkeep.keep(connection_id, watched, renew_lease)
        # Which channels are open and believed decides the plan: the next poll loads that.
        at_once = upkeep.changed or self._upkeep.is_due(connection_id, watched)
        return PollResult(
            next_at=self._clock() if at_once else self._plan(watched).next_at,
            calls=stop_calls + round_.calls + upkeep.calls,
            calendars=len(watched),
        )

    def _plan(self, watched: Sequence[WatchedCalendar]) -> ReadingPlan:
        return plan_reading(watched, self._clock(), self._horizon)

    def _load(self, connection_id: str) -> tuple[set[str], list[WatchedCalendar]]:
        """Return the ids of the calendars that block, of which none is managed by slotsync, and what is watched."""
        picked = self._accounts.get_picked(connection_id)
        return picked - self._managed.filter_managed(picked), self._accounts.get_calendars(connection_id)

    def _update_watched(self, connection_id: str) -> tuple[list[WatchedCalendar], int]:
        """Watch the calendars that block and forget all others; return them, and how many calls to Google it took."""
        blocking, watched = self._load(connection_id)
        new = blocking - _calendar_ids(watched)
        added = self._accounts.add_calendars(connection_id, sorted(new)) if new else []
        obsolete = [each.id for each in watched if each.calendar_id not in blocking]
        calls = self._upkeep.stop(connection_id, obsolete)
        self._accounts.forget_calendars(obsolete)
        return [*(each for each in watched if each.calendar_id in blocking), *added], calls

    def _read_together(
        self,
        connection_id: str,
        round_: ReadingRound,
        pieces: Sequence[PlannedReading],
        watched: Sequence[WatchedCalendar],
    ) -> list[WatchedCalendar]:
        """Read the pieces, record the readings together, and return the calendars with these attempts."""
        at = self._clock()
        readings = [reading for piece in pieces for reading in round_.read(piece)]
        if readings:
            self._readings.record(connection_id, readings, at)
        return _with_attempts(watched, readings, at)

    def _query(
        self, connection_id: str, renew_lease: RenewLease, calendar_ids: Sequence[str], interval: Interval
    ) -> dict[str, BusyTimes]:
        renew_lease()
        with self._health.recording(connection_id, whole_call=True):
            return self._google.read(connection_id, calendar_ids, interval)

    @contextmanager
    def _lease(self, connection_id: str) -> Iterator[RenewLease | None]:
        """Yield the function that renews the lease, or None if another process holds it.

        Each lease has a holder name of its own: a process that was suspended must not release a newer lease.
        """
        holder = str(uuid4())
        acquired = self._accounts.acquire_lease(connection_id, holder, LEASE_DURATION)
        try:
            yield (lambda: self._accounts.renew_lease(connection_id, holder, LEASE_DURATION)) if acquired else None
        finally:
            if acquired:
                self._accounts.release_lease(connection_id, holder)


def _calendar_ids(watched: Sequence[WatchedCalendar]) -> set[str]:
    return {each.calendar_id for each in watched}


def _with_attempts(
    watched: Sequence[WatchedCalendar], readings: Sequence[NewReading], at: datetime
) -> list[WatchedCalendar]:
    """Return the calendars as the store knows them once these readings are recorded."""
    attempts = {each.id: dict(each.attempts) for each in watched}
    for reading in readings:
        known = attempts[reading.watched_id]
        known[reading.chunk] = _attempt(reading, known, at)
    return [each.model_copy(update={"attempts": attempts[each.id]}) for each in watched]


def _attempt(reading: NewReading, known: Mapping[int, ReadingAttempt], at: datetime) -> ReadingAttempt:
    if not reading.error:
        return ReadingAttempt(at=at, read_at=at)
    last = known.get(reading.chunk)
    failing_since = last.failing_since if last else None
    return ReadingAttempt(at=at, failing_since=failing_since or at, read_at=last.read_at if last else None)
