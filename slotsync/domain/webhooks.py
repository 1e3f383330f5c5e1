"""Webhooks to the platform, in the envelope of the Standard Webhooks specification."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message
from slotsync.domain.reservations.drift import DriftAction, DriftKind

ACCEPTED_STATUSES: Final = range(200, 300)


class WebhookType(StrEnum):
    """The types of webhooks."""

    AVAILABILITY_CHANGED = "availability.changed"
    CONFLICT_FOUND = "conflict.found"
    CONNECTION_REVOKED = "connection.revoked"
    CONNECTION_REMINDER = "connection.reminder"
    CONNECTION_ACTIVE = "connection.active"
    DRIFT_FOUND = "drift.found"
    TEST = "test"


ALL_TYPES: Final = frozenset(WebhookType)


class MessageState(StrEnum):
    """The states of a message to the platform; only one that waits is sent."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"


MAX_ANSWER_KEPT: Final = 200
"""The first characters of the platform's answer, which are kept."""


class Attempt(Message):
    """An attempt to deliver a message. ``status`` is None if there was no answer; then ``failure`` says why.

    ``answer`` is how the body of the answer begins.
    """

    at: AwareDatetime
    duration_ms: int
    status: int | None = None
    failure: str | None = None
    answer: str | None = None

    @property
    def is_accepted(self) -> bool:
        """Return whether the platform has accepted the message."""
        return self.status in ACCEPTED_STATUSES


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


class ConnectionRevoked(Message):
    """Google has refused the merchant's grant, since ``since``. ``remedy`` says who has to do what."""

    merchant: str
    reason: str
    remedy: str
    since: AwareDatetime


class ConnectionReminder(ConnectionRevoked):
    """Google refuses the merchant's grant still, after so many days."""

    days: int


class ConnectionActive(Message):
    """The merchant's grant works again: so many reservations, calendars and products go on."""

    merchant: str
    caught_up: int


class DriftedEvent(Message):
    """An event that has drifted: its ``kind``, and ``fields`` that were changed; without a reservation the calendar.

    What is asked about (``action``) is answered by its ``id``.
    """

    id: str
    kind: DriftKind
    action: DriftAction
    reservation: str | None
    item: str | None
    fields: tuple[str, ...]


class DriftFound(Message):
    """An audit has found drift in the calendar of a product or resource (``owner``) that was not known before.

    ``counts`` has how many of each kind; ``drifts`` are the first ones.
    """

    merchant: str
    owner: Owner
    counts: dict[DriftKind, int]
    drifts: tuple[DriftedEvent, ...]


class TestMessage(Message):
    """A message that an operator has sent to try the receiver."""

    note: str


WebhookData = (
    AvailabilityChanged
    | ConflictFound
    | ConnectionReminder
    | ConnectionRevoked
    | ConnectionActive
    | DriftFound
    | TestMessage
)

_TYPES: Final[Mapping[type[Message], WebhookType]] = {
    AvailabilityChanged: WebhookType.AVAILABILITY_CHANGED,
    ConflictFound: WebhookType.CONFLICT_FOUND,
    ConnectionRevoked: WebhookType.CONNECTION_REVOKED,
    ConnectionReminder: WebhookType.CONNECTION_REMINDER,
    ConnectionActive: WebhookType.CONNECTION_ACTIVE,
    DriftFound: WebhookType.DRIFT_FOUND,
    TestMessage: WebhookType.TEST,
}


class Webhook(Message):
    """One webhook to the platform; ``timestamp`` is when the event in it happened."""

    type: WebhookType
    timestamp: AwareDatetime
    data: WebhookData


def build_webhook(data: WebhookData, at: datetime) -> Webhook:
    """Return the webhook with this data."""
    return Webhook(type=_TYPES[type(data)], timestamp=at, data=data)
