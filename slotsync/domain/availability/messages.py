"""Messages about availability that cross Temporal's border."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from slotsync.domain.availability.intervals import Interval
from slotsync.domain.health import Blocker
from slotsync.domain.messages import Message

MAX_SUBSCRIBERS: Final = 20
MAX_CONFIRM_WAIT: Final = timedelta(seconds=30)
"""The longest time within which a confirmation may be requested."""

MAX_CONFIRM_DURATION: Final = timedelta(days=31)
"""The longest time to confirm: with any padding, it still takes one call to Google."""


class AvailabilityState(Message):
    """The state that a product's workflow passes on when it continues as new.

    ``number`` is that of the last publication; ``outbox`` are the ids of messages that the platform has not accepted
    yet, in order; ``subscribers`` the ids of the workflows to signal about changes.
    """

    merchant: str
    product: str
    number: int = 0
    outbox: tuple[str, ...] = ()
    subscribers: tuple[str, ...] = ()


class PublishRequest(Message):
    """The product to publish. ``token`` identifies the publication, so that a repeated request publishes nothing twice.

    ``replaces`` is the id of a message that was not sent yet; the new message contains its changes, too.
    """

    merchant: str
    product: str
    token: str
    replaces: str | None = None


class Publication(Message):
    """A publication's number, and the ids of the messages to deliver, in order; none if nothing has changed."""

    number: int
    changed: tuple[Interval, ...] = ()
    messages: tuple[str, ...] = ()
    conflicts: int = 0


def message_id(token: str, place: int) -> str:
    """Return the id of a publication's message: the first one is about availability, the others are about conflicts."""
    return f"msg_{token}-{place}"


def is_availability_message(message: str) -> bool:
    """Return whether this is the id of a message about availability."""
    return message.endswith("-0")


class Subscription(Message):
    """A workflow to signal about every change of a product; ``ends``: no longer."""

    workflow_id: str
    ends: bool = False


class AvailabilityChangedSignal(Message):
    """The signal ``availability_changed`` to subscribers, which then read the availability of the changed times.

    ``number`` grows with each change of the product.
    """

    merchant: str
    product: str
    number: int
    changed: tuple[Interval, ...]


class Verdict(StrEnum):
    """The answer to whether a time can be booked, by the calendars that block the product."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ConfirmRequest(Message):
    """The question whether a product is free in this time; answered after ``within`` at the latest."""

    merchant: str
    product: str
    span: Interval  # stored name
    within: Annotated[timedelta, Field(gt=timedelta(), le=MAX_CONFIRM_WAIT)]


class Evidence(Message):
    """One calendar's busy times, or the error instead. It has no repr, so that no name is logged by accident."""

    calendar: str
    busy: tuple[Interval, ...] = ()
    error: str = ""

    def __repr__(self) -> str:
        return "Evidence(...)"

    __str__ = __repr__


class Confirmation(Message):
    """The answer, its reason, the evidence of each calendar, and when Google was read; None if it was not."""

    answer: Verdict
    checked_at: AwareDatetime | None
    because: str
    evidence: tuple[Evidence, ...] = ()


def unknown_confirmation(because: str, at: datetime | None = None) -> Confirmation:
    """Return the answer for a time that could not be checked. Unknown is not free."""
    return Confirmation(answer=Verdict.UNKNOWN, checked_at=at, because=because)


class WatchRequest(Message):
    """The product to watch, and what its workflow already knows, so that the watch does not end for that again.

    ``calendars`` is how many calendars block it; ``trouble`` is why some of them cannot be read.
    """

    merchant: str
    product: str
    calendars: int = 0
    trouble: str = ""


class WatchResult(Message):
    """The reason why a watch ended.

    ``calendars`` is how many calendars block the product; ``changed``: there is something to publish; ``trouble`` is
    why some of them cannot be read; with a ``hold`` none can until a person acts.
    """

    calendars: int
    changed: bool = False
    trouble: str = ""
    hold: Blocker | None = None  # stored name

    def needs_action(self, request: WatchRequest) -> bool:
        """Return whether the workflow has anything to do."""
        known = (self.calendars, self.trouble) == (request.calendars, request.trouble)
        return self.changed or not self.calendars or self.hold is not None or not known
