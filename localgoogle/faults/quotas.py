"""Quotas: how many calls a user and a project may make in a minute."""

from collections import defaultdict, deque
from datetime import datetime, timedelta

from localgoogle.protocol.errors import known_error

_MINUTE = timedelta(minutes=1)
_SHORT_PERIOD = timedelta(hours=4)


class SlidingWindow:
    """Counts what happened to each key in the last while."""

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._times: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def full(self, key: str, limit: int | None, now: datetime) -> bool:
        """Whether the limit is reached."""
        times = self._times[key]
        while times and times[0] <= now - self._length:
            times.popleft()
        return limit is not None and len(times) >= limit

    def count(self, key: str, now: datetime) -> None:
        """One more."""
        self._times[key].append(now)


class Quotas:
    """Refuses what is too fast. Refused calls are not counted."""

    def __init__(self, per_user: int | None, per_project: int | None, new_calendars: int | None) -> None:
        self.per_user = per_user
        self.per_project = per_project
        self.new_calendars = new_calendars
        self._users = SlidingWindow(_MINUTE)
        self._projects = SlidingWindow(_MINUTE)
        self._calendars = SlidingWindow(_SHORT_PERIOD)

    def spend_call(self, email: str, client_id: str, now: datetime) -> None:
        """Counts a call, or raises: each user of each project has a budget, and so has the project."""
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
        """Counts a new calendar, or raises: Google takes hours to allow the next."""
        if self._calendars.full(email, self.new_calendars, now):
            raise known_error("quotaExceeded")
        self._calendars.count(email, now)
