"""What can be chosen: state file, limits and clock; and what Google does where its documentation is silent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    """How the local Google takes sides where nobody knows what Google does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resurrect: Literal["allow", "ignore", "refuse"] = "allow"
    """A write of ``status: confirmed`` to a deleted event: revives it, has no effect (200), or is refused (403)."""
    deleted_get: Literal["cancelled", "not_found"] = "cancelled"
    """Reading a deleted event: the event with its status cancelled, or 404."""
    freebusy_scope_events: Literal["strip", "refuse"] = "strip"
    """Events under ``calendar.events.freebusy`` alone: without their details, or 403."""
    freebusy_max_days: int = Field(default=90, ge=1)
    """The longest range of a free/busy query; beyond it 400 ``timeRangeTooLong``."""


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class LocalGoogleOptions:
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
    def unlimited(cls, state_file: Path | None = None) -> "LocalGoogleOptions":
        """Without quotas, for the demo and for tests of other things."""
        return cls(state_file, per_user_per_minute=None, per_project_per_minute=None, calendars_in_short_period=None)
