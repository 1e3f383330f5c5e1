"""Messages about availability that cross Temporal's border. They hold no busy time, and no name of a calendar.

What `confirm` asks and what Google answers is in the store alone: somebody who reads both, question by question, knows
the busy times.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from slotsync.domain.availability.confirmation import MAX_CONFIRM_WAIT
from slotsync.domain.health import Blocker
from slotsync.domain.messages import Message


class ProductKey(Message):
    """A product of a merchant."""

    merchant: str
    product: str


def merchants_messages(merchant: str) -> ProductKey:
    """Return the key of the messages to the platform that are about the merchant itself, and no product."""
    return ProductKey(merchant=merchant, product="")


def is_about_merchant(key: ProductKey) -> bool:
    """Return whether the key is that of the messages about the merchant itself."""
    return not key.product


class WatchRequest(ProductKey):
    """The product to watch, and what its workflow already knows, so that the watch does not end for that again.

    ``calendars`` is how many calendars block it; ``trouble`` is why some of them cannot be read.
    """

    calendars: int = 0
    trouble: str = ""


class WatchResult(Message):
    """The reason why a watch ended.

    ``calendars`` is how many calendars block the product; ``changed``: there is something to publish; ``trouble`` is
    why some of them cannot be read; with a ``blocker`` none can until a person acts. ``stopped``: an operator has
    stopped the watching. ``messages`` wait for the platform, and ``subscribers`` for their signals; ``number`` is that
    of the last publication.
    """

    calendars: int
    changed: bool = False
    trouble: str = ""
    blocker: Blocker | None = None
    stopped: bool = False
    messages: int = 0
    subscribers: int = 0
    number: int = 0

    @property
    def is_over(self) -> bool:
        """Return whether the product is not to be watched any more."""
        return self.stopped or not self.calendars

    def needs_action(self, request: WatchRequest) -> bool:
        """Return whether the workflow has anything to do."""
        known = (self.calendars, self.trouble) == (request.calendars, request.trouble)
        return self.changed or self.is_over or self.blocker is not None or not known


class PublishRequest(ProductKey):
    """The product to publish. A request that is repeated with the same ``token`` publishes nothing twice."""

    token: str


class Publication(Message):
    """A publication's number, and how many messages wait for the platform, and subscribers for their signals."""

    number: int
    changed: bool = False
    conflicts: int = 0
    messages: int = 0
    subscribers: int = 0


class StopWatchRequest(ProductKey):
    """The product that an operator stopped to be watched, and when; ``watched``: its workflow had taken it up."""

    watched: bool = False
    now: datetime


class AvailabilityChangedSignal(ProductKey):
    """The signal ``availability_changed`` to subscribers, which then read the availability.

    ``number`` grows with each change of the product; a signal may come twice.
    """

    number: int


class ConfirmCalls(Message):
    """The calls to Google that answer some questions about one product; answered after ``within`` at the latest.

    Each is named by the ids of the parts of questions that it answers. Parts and answers are in the store. The calls
    count for ``connection_id``, the merchant's connection; it is empty if there never was one.
    """

    calls: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    within: Annotated[timedelta, Field(gt=timedelta(), le=MAX_CONFIRM_WAIT)]
    connection_id: str = ""


class ConfirmCall(ProductKey):
    """The parts of questions to answer with one call to Google, by their ids in the store."""

    parts: tuple[str, ...]
