"""Quotas: calls of a user and of a project within a minute, and new calendars of a user within four hours."""

from collections import defaultdict, deque
from datetime import datetime, timedelta

from localgoogle.protocol.errors import known_error

_CALL_PERIOD = timedelta(minutes=1)
_CALENDAR_PERIOD = timedelta(hours=4)


class SlidingWindow:
    """Counts events of each key within the last ``length``."""

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._times: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def full(self, key: str, limit: int | None, now: datetime) -> bool:
        """Return whether the key has reached the limit; None is no limit."""
        times = self._times[key]
        while times and times[0] <= now - self._length:
            times.popleft()
        return limit is not None and len(times) >= limit

    def count(self, key: str, now: datetime) -> None:
        """Count one event of the key."""
        self._times[key].append(now)


class Quotas:
    """Refuses calls and new calendars above the limits; None is no limit. Refused calls are not counted."""

    def __init__(self, per_user: int | None, per_project: int | None, new_calendars: int | None) -> None:
        self.per_user = per_user
        self.per_project = per_project
        self.new_calendars = new_calendars
        self._users = SlidingWindow(_CALL_PERIOD)
        self._projects = SlidingWindow(_CALL_PERIOD)
        self._calendars = SlidingWindow(_CALENDAR_PERIOD)

    def spend_call(self, email: str, client_id: str, now: datetime) -> None:
        """Count a call against the limit of the user in the project and against the limit of the project.

        Raises:
            CalendarApiError: ``userRateLimitExceeded`` or ``rateLimitExceeded``.
        """
        user = f"{client_id}\n{email}"
        if self._users.full(user, self.per_user, now):
            raise known_error("userRateLimitExceeded")
        if self._projects.full(client_id, self.per_project, now):
            raise known_error("rateLimitExceeded")
        if self.per_user is not None:
            self._users.count(user, now)
        if self.per_project is not None:
            self._projects.count(client_id, now)

    def spend_calendar(self, email: str, now: datetime) -> None:
        """Count a new calendar of the user; after the limit, Google allows the next one hours later.

        Raises:
            CalendarApiError: ``quotaExceeded``.
        """
        if self._calendars.full(email, self.new_calendars, now):
            raise known_error("quotaExceeded")
        self._calendars.count(email, now)
