"""Reading an account's busy times: whoever is first reads for all, over threads, processes and workers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from activities.call_notes import CallNotes
from activities.channel_upkeep import ChannelUpkeep
from activities.reading_round import ReadingRound
from slotsync.clock import utc_now
from slotsync.google.busy_times import BusyTimes, GoogleBusyTimes
from slotsync.rules.horizon import Horizon
from slotsync.rules.message import Message
from slotsync.rules.reading_plan import Piece, ReadingPlan, WatchedCalendar, plan_reading
from slotsync.rules.span import Span
from slotsync.store.busy_readings import BusyReadings
from slotsync.store.calendars import Calendars
from slotsync.store.watched_accounts import WatchedAccounts

TURN: Final = timedelta(seconds=25)
"""How long others leave the reading to whoever began it, counted from its last call: longer than a call may take, and
no longer than a worker may be silent. Whoever dies in it holds up the others for no longer."""

OTHERS_TURN: Final = timedelta(seconds=1)
"""When to look again what another process has read."""


GoingOn = Callable[[], None]
"""Says that a turn still goes on."""


class Turn(Message):
    """What a turn did: calls to Google, and of how many calendars the account has; and when the next is due."""

    next_at: datetime
    calls: int = 0
    calendars: int = 0


class BusyReader:
    """Reads what is due, once for everybody, and leaves it in the store."""

    def __init__(  # noqa: PLR0913, PLR0917  all that a reading touches
        self,
        accounts: WatchedAccounts,
        readings: BusyReadings,
        managed: Calendars,
        google: GoogleBusyTimes,
        upkeep: ChannelUpkeep,
        notes: CallNotes,
        horizon: Horizon,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._accounts = accounts
        self._readings = readings
        self._managed = managed
        self._google = google
        self._upkeep = upkeep
        self._notes = notes
        self._horizon = horizon
        self._clock = clock

    def turn(self, connection_id: str) -> Turn:
        """Reads what is due now, unless another process does."""
        self._accounts.know(connection_id)
        picked, watched = self._picked(connection_id), self._accounts.calendars(connection_id)
        plan = self._plan(watched)
        settled = picked == {each.calendar_id for each in watched} and not self._upkeep.is_due(connection_id, watched)
        if settled and not plan.pieces:
            return Turn(next_at=plan.next_at, calendars=len(watched))
        with self._own_turn(connection_id) as going_on:
            return self._read(connection_id, going_on) if going_on else Turn(next_at=self._clock() + OTHERS_TURN)

    def _read(self, connection_id: str, going_on: GoingOn) -> Turn:
        """Everything is looked up anew: another process may have had its turn meanwhile."""
        calls = self._settle(connection_id)
        pieces = self._plan(self._accounts.calendars(connection_id)).pieces
        round_ = ReadingRound(lambda calendar_ids, span: self._ask(connection_id, going_on, calendar_ids, span))
        for far in (False, True):
            self._read_together(connection_id, round_, [piece for piece in pieces if piece.far is far])
        watched = self._accounts.calendars(connection_id)
        calls += round_.calls + self._upkeep.keep(connection_id, watched, going_on)
        return Turn(next_at=self._next_at(connection_id), calls=calls, calendars=len(watched))

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
        self, connection_id: str, going_on: GoingOn, calendar_ids: Sequence[str], span: Span
    ) -> dict[str, BusyTimes]:
        going_on()
        with self._notes.of(connection_id):
            return self._google.read(connection_id, calendar_ids, span)

    @contextmanager
    def _own_turn(self, connection_id: str) -> Iterator[GoingOn | None]:
        """What makes the turn last while it goes on; nothing when it is not ours to read.

        Each turn has a name of its own: one that slept for long must not end a newer one.
        """
        name = str(uuid4())
        ours = self._accounts.take_turn(connection_id, name, TURN)
        try:
            yield (lambda: self._accounts.go_on(connection_id, name, TURN)) if ours else None
        finally:
            if ours:
                self._accounts.end_turn(connection_id, name)
