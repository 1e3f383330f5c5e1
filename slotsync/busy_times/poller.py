"""Read an account's busy times: the first process that acquires the lease reads for all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from slotsync.busy_times.push_channels import ChannelUpkeep
from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.availability.horizon import Horizon, batches
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.reading_plan import Piece, ReadingPlan, WatchedCalendar, plan_reading
from slotsync.domain.messages import Message
from slotsync.errors import GoogleError, GrantLost, QuotaExhausted, RateLimited, ScopeMissing
from slotsync.google.freebusy import BusyTimes, GoogleBusyTimes
from slotsync.store.availability.busy_readings import BusyReadings, NewReading
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.managed_calendars import Calendars

_WALLS = (GrantLost, ScopeMissing, RateLimited, QuotaExhausted)
"""Errors that the next call would meet, too."""

Ask = Callable[[Sequence[str], Interval], dict[str, BusyTimes]]


class ReadingRound:
    """Asks for one piece after the other. A call that fails leaves its calendars unknown, and no others.

    After a call that nobody answered, what is left waits for another round: this one would take minutes.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._wall: BusyTimes | None = None
        self._unanswered = False
        self.calls = 0

    def read(self, piece: Piece) -> Iterator[NewReading]:
        """A reading for each calendar of the piece that was asked for, whatever Google says."""
        for some in batches(list(zip(piece.calendars, piece.good_for, strict=True))):
            if self._unanswered:
                return
            answers = self._answers([each.calendar_id for each, _ in some], piece.span)
            for calendar, good_for in some:
                yield _reading(piece, calendar, answers[calendar.calendar_id], good_for)

    def _answers(self, calendar_ids: Sequence[str], span: Interval) -> dict[str, BusyTimes]:
        if self._wall:
            return dict.fromkeys(calendar_ids, self._wall)
        self.calls += 1
        try:
            return self._ask(calendar_ids, span)
        except GoogleError as error:
            failed = BusyTimes(error=error.reason)
            self._wall = failed if isinstance(error, _WALLS) else None
            self._unanswered = error.reason == "timeout"
            return dict.fromkeys(calendar_ids, failed)


def _reading(piece: Piece, calendar: WatchedCalendar, times: BusyTimes, good_for: timedelta) -> NewReading:
    return NewReading(
        watched_id=calendar.id,
        chunk=piece.chunk,
        span=piece.span,
        busy=() if times.error else times.busy,
        error=times.error,
        good_for=good_for,
    )


LEASE_DURATION: Final = timedelta(seconds=25)
"""How long others leave the reading to whoever began it, counted from its last call: longer than a call may take, and
no longer than a worker may be silent. Whoever dies in it holds up the others for no longer."""

LEASE_RETRY_DELAY: Final = timedelta(seconds=1)
"""When to look again what another process has read."""


RenewLease = Callable[[], None]
"""Says that a turn still goes on."""


class PollResult(Message):
    """What a turn did: calls to Google, and of how many calendars the account has; and when the next is due."""

    next_at: datetime
    calls: int = 0
    calendars: int = 0


class Poller:
    """Reads what is due, once for everybody, and leaves it in the store."""

    def __init__(  # noqa: PLR0913, PLR0917  all that a reading touches
        self,
        accounts: WatchedAccounts,
        readings: BusyReadings,
        managed: Calendars,
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

    def turn(self, connection_id: str) -> PollResult:
        """Reads what is due now, unless another process does."""
        self._accounts.know(connection_id)
        picked, watched = self._picked(connection_id), self._accounts.calendars(connection_id)
        plan = self._plan(watched)
        settled = picked == {each.calendar_id for each in watched} and not self._upkeep.is_due(connection_id, watched)
        if settled and not plan.pieces:
            return PollResult(next_at=plan.next_at, calendars=len(watched))
        with self._own_turn(connection_id) as going_on:
            return (
                self._read(connection_id, going_on)
                if going_on
                else PollResult(next_at=self._clock() + LEASE_RETRY_DELAY)
            )

    def _read(self, connection_id: str, going_on: RenewLease) -> PollResult:
        """Everything is looked up anew: another process may have had its turn meanwhile."""
        calls = self._settle(connection_id)
        pieces = self._plan(self._accounts.calendars(connection_id)).pieces
        round_ = ReadingRound(lambda calendar_ids, span: self._ask(connection_id, going_on, calendar_ids, span))
        for far in (False, True):
            self._read_together(connection_id, round_, [piece for piece in pieces if piece.far is far])
        watched = self._accounts.calendars(connection_id)
        calls += round_.calls + self._upkeep.keep(connection_id, watched, going_on)
        return PollResult(next_at=self._next_at(connection_id), calls=calls, calendars=len(watched))

    def _next_at(self, connection_id: str) -> datetime:
        watched = self._accounts.calendars(connection_id)
        return self._clock() if self._upkeep.is_due(connection_id, watched) else self._plan(watched).next_at

    def _plan(self, watched: Sequence[WatchedCalendar]) -> ReadingPlan:
        return plan_reading(watched, self._clock(), self._horizon)

    def _picked(self, connection_id: str) -> set[str]:
        """What blocks: never a calendar that slotsync fills."""
        picked = self._accounts.picked(connection_id)
        return picked - self._managed.is_managed(picked)

    def _settle(self, connection_id: str) -> int:
        """Watches what is picked and forgets what no longer is; how many calls to Google that took."""
        picked, watched = self._picked(connection_id), self._accounts.calendars(connection_id)
        if new := picked - {each.calendar_id for each in watched}:
            self._accounts.watch(connection_id, sorted(new))
        left = [each.id for each in watched if each.calendar_id not in picked]
        calls = self._upkeep.stop(connection_id, left)
        self._accounts.forget(left)
        return calls

    def _read_together(self, connection_id: str, round_: ReadingRound, pieces: Sequence[Piece]) -> None:
        at = self._clock()
        if read := [reading for piece in pieces for reading in round_.read(piece)]:
            self._readings.record(connection_id, read, at)

    def _ask(
        self, connection_id: str, going_on: RenewLease, calendar_ids: Sequence[str], span: Interval
    ) -> dict[str, BusyTimes]:
        going_on()
        with self._health.recording(connection_id):
            return self._google.read(connection_id, calendar_ids, span)

    @contextmanager
    def _own_turn(self, connection_id: str) -> Iterator[RenewLease | None]:
        """What makes the turn last while it goes on; nothing when it is not ours to read.

        Each turn has a name of its own: one that slept for long must not end a newer one.
        """
        name = str(uuid4())
        ours = self._accounts.acquire_lease(connection_id, name, LEASE_DURATION)
        try:
            yield (lambda: self._accounts.renew_lease(connection_id, name, LEASE_DURATION)) if ours else None
        finally:
            if ours:
                self._accounts.release_lease(connection_id, name)
