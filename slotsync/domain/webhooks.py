"""Webhooks to the platform, in the envelope of the Standard Webhooks specification."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.messages import Message


class WebhookType(StrEnum):
    """The types of webhooks."""

    AVAILABILITY_CHANGED = "availability.changed"
    CONFLICT_FOUND = "conflict.found"


class WebhookSlot(Interval):
    """A time that is not free."""

    state: SlotState
    closed: bool


class AvailabilityChanged(Message):
    """A product's availability has changed in the ``changed`` times: ``slots`` are all times in them that are not free.

    ``number`` grows with each webhook of this type about the product.
    """

    merchant: str
    product: str
    number: int
    checked_at: AwareDatetime | None
    complete: bool
    changed: tuple[Interval, ...]
    slots: tuple[WebhookSlot, ...]


class ConflictFound(Message):
    """A new busy time overlaps an item of a reservation, which lasts from ``start`` to ``end``."""

    merchant: str
    product: str
    reservation: str
    item: str
    start: AwareDatetime
    end: AwareDatetime
    busy: tuple[Interval, ...]


WebhookData = AvailabilityChanged | ConflictFound


class Webhook(Message):
    """One webhook to the platform; ``timestamp`` is when the event in it happened."""

    type: WebhookType
    timestamp: AwareDatetime
    data: WebhookData


def build_webhook(data: WebhookData, at: datetime) -> Webhook:
    """Return the webhook with this data."""
    is_conflict = isinstance(data, ConflictFound)
    kind = WebhookType.CONFLICT_FOUND if is_conflict else WebhookType.AVAILABILITY_CHANGED
    return Webhook(type=kind, timestamp=at, data=data)
