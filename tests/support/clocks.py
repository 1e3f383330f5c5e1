"""Clocks that tests move."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class SettableClock:
    """A clock that a test sets and advances."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class TickingClock:
    """A clock that advances by a microsecond on each call, and by more on request."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class ShiftedClock:
    """The present, and later on request."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Return the instant that the local Google takes for now."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Advance the clock."""
        self._ahead += by
