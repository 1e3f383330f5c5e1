"""Tables of the webhooks to the platform."""

from datetime import datetime

from sqlmodel import Field, Index

from slotsync.domain.webhooks import MessageState
from slotsync.store.database.base import Instant, Row, encrypted_field, where

_WAITING = where("state = 'waiting'")


class WebhookMessageRow(Row, table=True):
    """A message to the platform. Neither its id nor its body ever changes.

    A product's messages that wait are sent in the order of their publications' ``number``, and in the order of
    ``place`` within one. No later message takes up a message once its delivery was tried, first at ``attempted_at``.
    At ``due_at`` its delivery should have been tried again. One that was accepted, skipped by an operator, or can be
    read with no key, is kept for a while from ``settled_at`` on. Those of a merchant who disconnects are dropped.
    ``type`` is None for messages of former versions; ``last_status`` is what the platform answered last, None without
    an answer.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("ix_webhook_message_waiting", "merchant", "product", "number", "place", **_WAITING),
        Index("ix_webhook_message_waiting_since", "created_at", **_WAITING),
        Index(None, "merchant", "created_at", "id"),
    )

    id: str = Field(primary_key=True)
    merchant: str = Field(foreign_key="merchant.id")
    product: str
    number: int
    place: int
    type: str | None = None
    body: str | None = encrypted_field()
    created_at: datetime = Field(sa_type=Instant)
    attempted_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    state: str = Field(
        default=MessageState.WAITING.value, sa_column_kwargs={"server_default": MessageState.WAITING.value}
    )
    settled_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    last_status: int | None = None


class WebhookAttemptRow(Row, table=True):
    """One attempt to deliver a message; ``number`` counts them from 1.

    ``status`` is what the platform answered, or None with the kind of ``failure`` instead. ``answer`` is how the
    answer's body begins.
    """

    __tablename__ = "webhook_attempt"

    message: str = Field(primary_key=True, foreign_key="webhook_message.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    duration_ms: int
    status: int | None = None
    failure: str | None = None
    answer: str | None = encrypted_field()
