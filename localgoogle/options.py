"""The options of a local Google: state file, limits and clock, and its behaviour where Google's is not documented."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

UNKNOWN_ZONES = ("Factory", "localtime", "posix/*", "posixrules", "right/*")
"""Names that a system's tzdata has, and that are no IANA zones."""


class Behaviour(BaseModel):
    """The switches of behaviour: what the local Google does where Google's behaviour is not known for certain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resurrect: Literal["allow", "ignore", "refuse"] = "allow"
    """A write of ``status: confirmed`` to a deleted event revives it, has no effect (200), or is refused (403)."""
    deleted_get: Literal["cancelled", "not_found"] = "cancelled"
    """A read of a deleted event returns the event with its status cancelled, or 404."""
    freebusy_scope_events: Literal["strip", "refuse"] = "strip"
    """A read of events under ``calendar.events.freebusy`` alone returns them without their details, or 403."""
    ended_access: Literal["not_found", "forbidden"] = "not_found"
    """A call to a calendar that the user may no longer reach is answered with 404 or 403."""
    former_address: Literal["not_found", "alias"] = "not_found"
    """The former address of an account is no id of a calendar any more, or another id of the primary one."""
    freebusy_max_days: int = Field(default=90, ge=1)
    """The longest range of a free/busy query, in days; a longer one is answered with 400 ``timeRangeTooLong``."""
    unknown_zones: tuple[str, ...] = UNKNOWN_ZONES
    """Names of time zones that are refused though tzdata has them; ``*`` stands for any characters."""

    def knows_zone(self, name: str) -> bool:
        """Return whether no entry of ``unknown_zones`` fits the name."""
        return not any(fnmatchcase(name, unknown) for unknown in self.unknown_zones)


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class LocalGoogleOptions:
    """The options of one local Google, with Google's limits by default; None is no limit.

    Without a ``state_file`` the state is lost when the server ends. ``push_backoff`` is the first wait before a failed
    notification is sent again; it doubles with each attempt.
    """

    state_file: Path | None = None
    per_user_per_minute: int | None = 600
    per_project_per_minute: int | None = 10_000
    calendars_in_short_period: int | None = 60
    push_backoff: timedelta = timedelta(seconds=1)
    clock: Callable[[], datetime] = utc_now

    @classmethod
    def unlimited(cls, state_file: Path | None = None) -> "LocalGoogleOptions":
        """Return options without quotas, for the demo and for tests that are not about quotas."""
        return cls(state_file, per_user_per_minute=None, per_project_per_minute=None, calendars_in_short_period=None)
