"""The base of everything that crosses a border: workflow to activity, platform to slotsync."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Message(BaseModel):
    """An immutable value. Unknown fields are refused, so that a misspelt one is never silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Identifier = Annotated[str, StringConstraints(pattern=r"^[^\s:/\\\x00-\x1f\x7f]+$", max_length=128)]
"""An id that the platform chose. No colon: workflow ids are joined with it, and merchants must stay apart."""
