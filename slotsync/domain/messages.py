"""The base of all messages: immutable models that refuse unknown fields."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Final, TypeGuard

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)


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

IDENTIFIER: Final[TypeAdapter[str]] = TypeAdapter(Identifier)


def is_identifier(value: object) -> TypeGuard[str]:
    """Return whether the value is a text that can be an id."""
    try:
        IDENTIFIER.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


_BLANKS: Final = frozenset("\u115f\u1160\u2065\u2800\u3164\uffa0") | {chr(code) for code in range(0xFFF0, 0xFFF9)}
"""Letters, a symbol and unassigned characters that are shown as nothing, or as a space."""

_TAGS: Final = range(0xE0000, 0xE1000)
"""Characters that are never shown, most of them unassigned."""

_INVISIBLE: Final = frozenset({"Cf", "Me", "Mn", "Zs"})
"""The Unicode categories of format characters, of marks on other characters, and of spaces."""


def _check_visible(name: str) -> str:
    if not any(_is_visible(character) for character in name):
        raise ValueError("shows nothing; give a name that people can read")
    return name


def _is_visible(character: str) -> bool:
    # Characters that are younger than Python's tables count as unassigned: they may be pictures.
    return (
        unicodedata.category(character) not in _INVISIBLE and character not in _BLANKS and ord(character) not in _TAGS
    )


DisplayName = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"),
    AfterValidator(_check_visible),
]
"""A name that people see, and decide by: for example, which merchant they connect an account to.

It has no controls, line breaks or characters that show the text after them in another order."""


def to_utc(time: datetime) -> datetime:
    """Return the time in UTC.

    Raises:
        ValueError: UTC has no such time, which is just outside of the years 1 to 9999.
    """
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not between the years 1 and 9999 in UTC") from None


UtcTime = Annotated[AwareDatetime, AfterValidator(to_utc)]
"""A time that somebody else gives, with any offset; it is kept in UTC."""
