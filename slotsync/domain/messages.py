"""The base of all messages: immutable models that refuse unknown fields."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class Message(BaseModel):
    """An immutable value. Unknown fields are refused, so that a misspelt one is never silently lost.

    (Payloads from Temporal may have some: see ``slotsync.temporal.converter``.) Errors quote no content, since it may
    be a guest's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


MAX_IDENTIFIER_BYTES = 128


def _check_size(identifier: str) -> str:
    # Temporal limits workflow ids and summaries, which contain these ids, in bytes.
    if len(identifier.encode()) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is longer than {MAX_IDENTIFIER_BYTES} bytes")
    return identifier


_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co"})
"""The Unicode categories of control, format (such as a zero-width space), unassigned and private-use characters."""


def _check_appearance(identifier: str) -> str:
    """Refuse ids that look like another one, or like a step in a path."""
    if identifier in {".", ".."}:
        raise ValueError("is a step in a path; give a name with another character")
    if identifier.isascii() and identifier.isprintable():  # the quick answer for nearly all
        return identifier
    if not _UNSEEN.isdisjoint(map(unicodedata.category, identifier)):
        raise ValueError("has a character that cannot be seen (control, format, private or unassigned); leave it out")
    if not unicodedata.is_normalized("NFC", identifier):
        raise ValueError("is not in the Unicode form NFC, in which letters and their accents are one; normalize it")
    return identifier


Identifier = Annotated[
    str,
    StringConstraints(pattern=r'^[^\s:/\\"\x00-\x1f\x7f]+$', max_length=MAX_IDENTIFIER_BYTES),
    AfterValidator(_check_size),
    AfterValidator(_check_appearance),
]
"""An id that the platform chose. No colon: workflow ids are joined with it, and merchants must stay apart. No double
quote: Temporal's visibility finds nothing by a value that has one (measured on server 1.32)."""
