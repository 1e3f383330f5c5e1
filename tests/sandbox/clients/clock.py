"""The clock of the local Google in these tests."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The present, and later on request."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        """The instant that the local Google takes for now."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Lets time pass."""
        self._ahead += by
