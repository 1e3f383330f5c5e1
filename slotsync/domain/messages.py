"""The base of all messages: immutable models that refuse unknown fields."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Message(BaseModel):
    """An immutable value. Unknown fields are refused, so that a misspelt one is never silently lost.

    (Payloads from Temporal may have some: see ``slotsync.temporal.codec``.) Errors quote no content, since it may be a
    guest's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


MAX_IDENTIFIER_BYTES = 128


def _check_size(identifier: str) -> str:
    # Temporal limits workflow ids and summaries, which contain these ids, in bytes.
    if len(identifier.encode()) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is longer than {MAX_IDENTIFIER_BYTES} bytes")
    return identifier


Identifier = Annotated[
    str,
    StringConstraints(pattern=r'^[^\s:/\\"\x00-\x1f\x7f]+$', max_length=MAX_IDENTIFIER_BYTES),
    AfterValidator(_check_size),
]
"""An id that the platform chose. No colon: workflow ids are joined with it, and merchants must stay apart. No double
quote: Temporal's visibility finds nothing by a value that has one (measured on server 1.32)."""
