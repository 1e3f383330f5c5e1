"""What webhooks tell the platform, in the envelope of the Standard Webhooks specification."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message


class WebhookType(StrEnum):
    """What a message is about."""

    AVAILABILITY_CHANGED = "availability.changed"
    CONFLICT_FOUND = "conflict.found"


class WebhookSlot(Interval):
    """A time that is not free."""

    state: SlotState
    closed: bool


class AvailabilityChanged(Message):
    """A product's availability is another in the ``changed`` times: there, ``slots`` are now all that is not free.

    ``number`` grows with each message of this kind about the product.
    """

    merchant: str
    product: str
    number: int
    checked_at: AwareDatetime | None
    complete: bool
    changed: tuple[Interval, ...]
    slots: tuple[WebhookSlot, ...]


class ConflictFound(Message):
    """A new busy time lies over an item of a reservation, which is from ``start`` to ``end``."""

    merchant: str
    product: str
    reservation: str
    item: str
    start: AwareDatetime
    end: AwareDatetime
    busy: tuple[Interval, ...]


WebhookData = AvailabilityChanged | ConflictFound


class Webhook(Message):
    """One message to the platform; ``timestamp`` is when what it tells happened."""

    type: WebhookType
    timestamp: AwareDatetime
    data: WebhookData


def webhook(news: WebhookData, at: datetime) -> Webhook:
    """The message that tells this news."""
    found = isinstance(news, ConflictFound)
    return Webhook(
        type=WebhookType.CONFLICT_FOUND if found else WebhookType.AVAILABILITY_CHANGED, timestamp=at, data=news
    )
