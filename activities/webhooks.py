"""Webhook activities: deliver a message to the platform."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from slotsync.clock import utc_now
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.retry_delays import OPERATOR_RETRY_DELAY, parse_retry_after
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.webhook_sender import RESPONSE_TIMEOUT, SentWebhook, WebhookSender

MAX_RETRY_DELAY = timedelta(hours=1)
"""The limit for what the platform may ask for by ``Retry-After``."""

_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_TRANSIENT_REMEDY = "it is sent again; check the receiver at SLOTSYNC_WEBHOOK_URL if this goes on"
_OPERATOR_REMEDY = "it is sent again every few minutes; check SLOTSYNC_WEBHOOK_URL and SLOTSYNC_WEBHOOK_SECRET"
_REDIRECT_REMEDY = "redirects are not followed; set SLOTSYNC_WEBHOOK_URL to where it leads"


class WebhookActivities:
    """Activity that delivers messages. Each is sent as it was recorded, and every attempt is recorded."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        vault: Vault,
        *,
        clock: Callable[[], datetime] = utc_now,
        timeout: timedelta = RESPONSE_TIMEOUT,
    ) -> None:
        self._settings = settings
        self._messages = WebhookMessages(store, vault)
        self._clock = clock
        self._sender = WebhookSender(settings, clock=clock, timeout=timeout)

    async def aclose(self) -> None:
        """Close the connections to the platform."""
        await self._sender.aclose()

    @activity.defn
    async def deliver_webhook(self, key: ProductKey) -> int:
        """Return how many messages about the product still wait, once the platform has accepted the next one.

        A message that cannot be read any more is given up.

        Raises:
            ApplicationError: the platform did not accept the message, or its answer was lost. The next attempt has the
                same id, so that the platform can recognize a message that it has already.
        """
        message = await asyncio.to_thread(self._messages.take_next, key, self._clock())
        if message is None:
            return 0
        if message.body is None:
            await asyncio.to_thread(self._messages.give_up_unreadable, message.id, self._clock())
        else:
            self._require_address()
            sent = await self._sender.send(message.id, message.body)
            await asyncio.to_thread(self._messages.record_attempt, key.merchant, message.id, sent.attempt)
            self._require_accepted(sent)
        return await asyncio.to_thread(self._messages.count, key)

    def _require_address(self) -> None:
        """Raise without an address: it may be missing by mistake, and another worker may have it."""
        if not self._settings.webhook_url:
            remedy = "set it for all workers; the message waits"
            raise ApplicationError(
                f"SLOTSYNC_WEBHOOK_URL is not set: {remedy}",
                type="NoWebhookAddress",
                next_retry_delay=OPERATOR_RETRY_DELAY,
            )

    def _require_accepted(self, sent: SentWebhook) -> None:
        """Raise unless the platform has accepted the message."""
        if sent.is_accepted:
            return
        if sent.status is None:
            raise ApplicationError(
                f"The platform did not answer ({sent.failure}): {_TRANSIENT_REMEDY}",
                sent.failure,
                type="WebhookUnanswered",
            )
        requested = parse_retry_after(sent.retry_after, self._clock())
        raise ApplicationError(
            f"The platform answered {sent.status} to a webhook: {_remedy(sent.status)}",
            str(sent.status),
            type="WebhookRefused",
            next_retry_delay=min(requested, MAX_RETRY_DELAY) if requested else _default_delay(sent.status),
        )


def _remedy(status: int) -> str:
    if _is_transient(status):
        return _TRANSIENT_REMEDY
    return _REDIRECT_REMEDY if status < httpx.codes.BAD_REQUEST else _OPERATOR_REMEDY


def _default_delay(status: int) -> timedelta | None:
    """Return how long to wait where the platform does not say, or None to leave it to the retry policy."""
    return None if _is_transient(status) else OPERATOR_RETRY_DELAY


def _is_transient(status: int) -> bool:
    return status in _TRANSIENT_STATUSES or status >= httpx.codes.INTERNAL_SERVER_ERROR
