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
from slotsync.domain.retry_delays import asked_delay
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import WebhookMessages

TIME_OUT = timedelta(seconds=10)
"""How long the platform may take to answer."""

OPERATOR_DELAY = timedelta(minutes=5)
"""What an operator has to mend is tried again this often."""

LONGEST_DELAY = timedelta(hours=1)
"""Nobody is left alone for longer, whatever the platform asks."""

_PASSING = frozenset({408, 425, 429})
_PASSES = "it is sent again; check the receiver at SLOTSYNC_WEBHOOK_URL if this goes on"
_TO_MEND = "it is sent again every few minutes; check SLOTSYNC_WEBHOOK_URL and SLOTSYNC_WEBHOOK_SECRET"
_REDIRECTS = "redirects are not followed; set SLOTSYNC_WEBHOOK_URL to where it leads"


class WebhookActivities:
    """Delivers messages. Each goes out as it was noted, and is signed anew by every attempt."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        vault: Vault,
        *,
        clock: Callable[[], datetime] = utc_now,
        time_out: timedelta = TIME_OUT,
    ) -> None:
        self._settings = settings
        self._messages = WebhookMessages(store, vault)
        self._clock = clock
        # Of the whole exchange: httpx would begin anew with every byte that arrives.
        self._time_out = time_out.total_seconds()
        self._http = httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113

    async def aclose(self) -> None:
        """Closes the connections to the platform."""
        await self._http.aclose()

    @activity.defn
    async def deliver_webhook(self, message_id: str) -> bool:
        """Whether the platform has accepted the message; false when nobody is to be told, and it is dropped.

        Raises when the platform did not accept it. It may have it all the same: another attempt has the same id.
        """
        body = await asyncio.to_thread(self._messages.body, message_id)
        wanted = bool(self._settings.webhook_url)
        if body is not None:
            if wanted:
                self._check(await self._post(message_id, body.encode()))
            await asyncio.to_thread(self._messages.accepted, message_id)
        return wanted

    async def _post(self, message_id: str, body: bytes) -> httpx.Response:
        headers = self._headers(message_id, body)
        try:
            async with asyncio.timeout(self._time_out):
                return await self._http.post(self._settings.webhook_url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Not chained: the client's own message may hold the URL, and with it a password.
            failure = type(error).__name__
        raise ApplicationError(f"The platform cannot be told ({failure}): {_PASSES}", failure, type="WebhookUnanswered")

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

    def _check(self, answer: httpx.Response) -> None:
        """Raises unless the platform has accepted the message."""
        if answer.is_success:
            return
        status = answer.status_code
        asked = asked_delay(answer.headers.get("Retry-After"), self._clock())
        raise ApplicationError(
            f"The platform answered {status} to a webhook: {_remedy(status)}",
            str(status),
            type="WebhookRefused",
            next_retry_delay=min(asked, LONGEST_DELAY) if asked else _own_delay(status),
        )


def _remedy(status: int) -> str:
    if _passes(status):
        return _PASSES
    return _REDIRECTS if status < httpx.codes.BAD_REQUEST else _TO_MEND


def _own_delay(status: int) -> timedelta | None:
    """How long to wait where the platform does not say; nothing is as long as the retry policy says."""
    return None if _passes(status) else OPERATOR_DELAY


def _passes(status: int) -> bool:
    return status in _PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR
