"""What Google does where its documentation is silent: switches, the likeliest first."""

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
