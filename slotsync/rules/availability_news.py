"""What the workflow of a product's availability carries, is asked, and tells."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from slotsync.rules.message import Message
from slotsync.rules.span import Span

MOST_SUBSCRIBERS: Final = 20
LONGEST_WAIT: Final = timedelta(seconds=30)
LONGEST_QUESTION: Final = timedelta(days=31)
"""With any padding, it still is one call to Google."""


class AvailabilityState(Message):
    """What a product's workflow takes along when it continues as new.

    ``number`` is that of the last news; ``outbox`` are the messages to the platform that were not accepted yet, in
    order; ``subscribers`` the ids of the workflows that want to hear of changes.
    """

    merchant: str
    product: str
    number: int = 0
    outbox: tuple[str, ...] = ()
    subscribers: tuple[str, ...] = ()


class Subject(Message):
    """Whose availability is published. ``token`` names the news; ``replaces`` is a message that was not yet sent.

    What that one tells is told by the new one, too.
    """

    merchant: str
    product: str
    token: str
    replaces: str | None = None


class Publication(Message):
    """What was published: the number of the news, and the messages to deliver, in order. Nothing new has none."""

    number: int
    changed: tuple[Span, ...] = ()
    messages: tuple[str, ...] = ()
    conflicts: int = 0


def message_id(token: str, place: int) -> str:
    """The id of a message to the platform: the first of a publication tells the availability, the others conflicts."""
    return f"msg_{token}-{place}"


def tells_availability(message: str) -> bool:
    """Whether this is the id of a message that tells the availability."""
    return message.endswith("-0")


class Subscription(Message):
    """A workflow that wants to hear of every change of a product, or no longer does."""

    workflow_id: str
    ends: bool = False


class AvailabilityNews(Message):
    """What subscribers hear by the signal ``availability_changed``: ask for the availability in the changed times.

    ``number`` counts up with each change of the product.
    """

    merchant: str
    product: str
    number: int
    changed: tuple[Span, ...]


class Verdict(StrEnum):
    """Whether a time can be booked, as far as the calendars that block the product tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Question(Message):
    """Whether a product is free in this time; answered within so long."""

    merchant: str
    product: str
    span: Span
    within: Annotated[timedelta, Field(gt=timedelta(), le=LONGEST_WAIT)]


class Evidence(Message):
    """What one calendar said, or why it said nothing. It has no repr, so that no name is logged by accident."""

    calendar: str
    busy: tuple[Span, ...] = ()
    error: str = ""

    def __repr__(self) -> str:
        return "Evidence(...)"

    __str__ = __repr__


class Confirmation(Message):
    """The answer, when Google was asked for it, why it is so, and what each calendar said."""

    answer: Verdict
    checked_at: AwareDatetime | None
    because: str
    evidence: tuple[Evidence, ...] = ()


def nobody_knows(because: str, at: datetime | None = None) -> Confirmation:
    """The answer when nobody could be asked. Unknown is not free."""
    return Confirmation(answer=Verdict.UNKNOWN, checked_at=at, because=because)
