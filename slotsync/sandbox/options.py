"""What can be chosen when a local Google is started."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from slotsync.clock import utc_now


@dataclass(frozen=True)
class SandboxOptions:
    """Google's numbers by default; a limit of None is no limit.

    Without a ``state_file`` everything is forgotten when the server ends. ``push_backoff`` is the first wait before a
    failed notification is sent again; it doubles with each try.
    """

    state_file: Path | None = None
    per_user_per_minute: int | None = 600
    per_project_per_minute: int | None = 10_000
    calendars_in_short_period: int | None = 60
    push_backoff: timedelta = timedelta(seconds=1)
    clock: Callable[[], datetime] = utc_now

    @classmethod
    def unlimited(cls, state_file: Path | None = None) -> "SandboxOptions":
        """Without quotas, for the demo and for tests of other things."""
        return cls(state_file, per_user_per_minute=None, per_project_per_minute=None, calendars_in_short_period=None)
