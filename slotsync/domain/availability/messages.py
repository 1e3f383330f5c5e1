"""What crosses Temporal's border about availability."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.health import Blocker
from slotsync.domain.messages import Message

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


class PublishRequest(Message):
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
    changed: tuple[Interval, ...] = ()
    messages: tuple[str, ...] = ()
    conflicts: int = 0


def message_id(token: str, place: int) -> str:
    """The id of a message to the platform: the first of a publication tells the availability, the others conflicts."""
    return f"msg_{token}-{place}"


def is_availability_message(message: str) -> bool:
    """Whether this is the id of a message that tells the availability."""
    return message.endswith("-0")


class Subscription(Message):
    """A workflow that wants to hear of every change of a product, or no longer does."""

    workflow_id: str
    ends: bool = False


class AvailabilityChangedSignal(Message):
    """What subscribers hear by the signal ``availability_changed``: ask for the availability in the changed times.

    ``number`` counts up with each change of the product.
    """

    merchant: str
    product: str
    number: int
    changed: tuple[Interval, ...]


class Verdict(StrEnum):
    """Whether a time can be booked, as far as the calendars that block the product tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ConfirmRequest(Message):
    """Whether a product is free in this time; answered within so long."""

    merchant: str
    product: str
    span: Interval
    within: Annotated[timedelta, Field(gt=timedelta(), le=LONGEST_WAIT)]


class Evidence(Message):
    """What one calendar said, or why it said nothing. It has no repr, so that no name is logged by accident."""

    calendar: str
    busy: tuple[Interval, ...] = ()
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


def unknown_confirmation(because: str, at: datetime | None = None) -> Confirmation:
    """The answer when nobody could be asked. Unknown is not free."""
    return Confirmation(answer=Verdict.UNKNOWN, checked_at=at, because=because)


class WatchRequest(Message):
    """Which product to watch, and what is known of it, so that it is not told again.

    ``calendars`` is how many block it; ``trouble`` is what is in the way of reading some of them.
    """

    merchant: str
    product: str
    calendars: int = 0
    trouble: str = ""


class Watched(Message):
    """Why a watch ended.

    ``calendars`` is how many block the product; ``changed``: there is something to publish; ``trouble`` is why some of
    them cannot be read; with a ``hold`` none can until a person acts.
    """

    calendars: int
    changed: bool = False
    trouble: str = ""
    hold: Blocker | None = None

    def is_news(self, request: WatchRequest) -> bool:
        """Whether the workflow has anything to do."""
        known = (self.calendars, self.trouble) == (request.calendars, request.trouble)
        return self.changed or not self.calendars or self.hold is not None or not known
