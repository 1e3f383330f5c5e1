"""Webhook activities: deliver a message to the platform."""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
from standardwebhooks import Webhook
from temporalio import activity
from temporalio.exceptions import ApplicationError

from slotsync.clock import utc_now
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.retry_delays import OPERATOR_RETRY_DELAY, parse_retry_after
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import WebhookMessages

RESPONSE_TIMEOUT = timedelta(seconds=10)
"""The time within which the platform has to answer."""

MAX_RETRY_DELAY = timedelta(hours=1)
"""The limit for what the platform may ask for by ``Retry-After``."""

_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_TRANSIENT_REMEDY = "it is sent again; check the receiver at SLOTSYNC_WEBHOOK_URL if this goes on"
_OPERATOR_REMEDY = "it is sent again every few minutes; check SLOTSYNC_WEBHOOK_URL and SLOTSYNC_WEBHOOK_SECRET"
_REDIRECT_REMEDY = "redirects are not followed; set SLOTSYNC_WEBHOOK_URL to where it leads"


class WebhookActivities:
    """Activity that delivers messages. Each is sent as it was recorded, and signed anew by every attempt."""

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
        # For the whole exchange: the timeout of httpx begins anew with every byte that arrives.
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113

    async def aclose(self) -> None:
        """Close the connections to the platform."""
        await self._http.aclose()

    @activity.defn
    async def deliver_webhook(self, key: ProductKey) -> int:
        """Return how many messages about the product still wait, once the platform has accepted the next one.

        A message that cannot be read any more is dropped.

        Raises:
            ApplicationError: the platform did not accept the message, or its answer was lost. The next attempt has the
                same id, so that the platform can recognize a message that it has already.
        """
        message = await asyncio.to_thread(self._messages.take_next, key, self._clock())
        if message is None:
            return 0
        if message.body is not None:
            self._require_address()
            self._require_accepted(await self._post(message.id, message.body.encode()))
        await asyncio.to_thread(self._messages.forget, message.id)
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

    async def _post(self, message_id: str, body: bytes) -> httpx.Response:
        headers = self._headers(message_id, body)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await self._http.post(self._settings.webhook_url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Not chained: the client's own message may hold the URL, and with it a password.
            failure = type(error).__name__
        raise ApplicationError(
            f"The platform did not answer ({failure}): {_TRANSIENT_REMEDY}", failure, type="WebhookUnanswered"
        )

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = self._clock()
        secret = self._settings.webhook_secret.get_secret_value()
        return {
            "Content-Type": "application/json",
            "User-Agent": "slotsync",
            "webhook-id": message_id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
        }

    def _require_accepted(self, answer: httpx.Response) -> None:
        """Raise unless the platform has accepted the message."""
        if answer.is_success:
            return
        status = answer.status_code
        requested = parse_retry_after(answer.headers.get("Retry-After"), self._clock())
        raise ApplicationError(
            f"The platform answered {status} to a webhook: {_remedy(status)}",
            str(status),
            type="WebhookRefused",
            next_retry_delay=min(requested, MAX_RETRY_DELAY) if requested else _default_delay(status),
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
