"""Messages to the platform as they are kept: what waits, what was accepted, and the attempts to deliver it."""

from typing import Any

from pydantic import AwareDatetime

from slotsync.domain.messages import Message, UtcTime
from slotsync.domain.webhooks import Attempt, MessageState, WebhookType


class MessageLine(Message):
    """A message to the platform. ``product`` is None if it is about the merchant itself.

    It is accepted, skipped or unreadable since ``settled_at``. ``last_status`` is what the platform answered last, None
    if it did not answer. ``attempts`` counts those to deliver it.
    """

    id: str
    type: WebhookType | None
    product: str | None
    state: MessageState
    created_at: AwareDatetime
    settled_at: AwareDatetime | None
    attempts: int
    last_status: int | None


class KeptAttempt(Attempt):
    """An attempt by its number, from 1."""

    number: int


class MessageView(MessageLine):
    """A message with its ``body``, as it is sent, and its last attempts, the newest last.

    ``body`` is None if no key opens it.
    """

    body: dict[str, Any] | None
    last_attempts: tuple[KeptAttempt, ...]


class MessageFilter(Message):
    """A choice of messages: all of which everything holds that is not None.

    They were made in [``start``, ``end``).
    """

    id: str | None = None
    type: WebhookType | None = None
    product: str | None = None
    state: MessageState | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None
