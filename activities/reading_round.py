"""One go at reading busy times: what came of it, and how many calls to Google it took."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from slotsync.errors import GoogleError, GrantLost, QuotaExhausted, RateLimited, ScopeMissing
from slotsync.google.busy_times import BusyTimes
from slotsync.rules.horizon import batches
from slotsync.rules.reading_plan import Piece, WatchedCalendar
from slotsync.rules.span import Span
from slotsync.store.busy_readings import NewReading

_WALLS = (GrantLost, ScopeMissing, RateLimited, QuotaExhausted)
"""Errors that the next call would meet, too."""

Ask = Callable[[Sequence[str], Span], dict[str, BusyTimes]]


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

    def _answers(self, calendar_ids: Sequence[str], span: Span) -> dict[str, BusyTimes]:
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
