"""Send webhooks to the platform: signed, once each; what was answered is returned, never raised."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import httpx
from standardwebhooks import Webhook

from slotsync.clock import utc_now
from slotsync.domain.webhooks import MAX_ANSWER_KEPT, Attempt
from slotsync.settings import Settings

RESPONSE_TIMEOUT: Final = timedelta(seconds=10)
"""The time within which the platform has to answer."""

_MAX_ANSWER_READ: Final = 4 * MAX_ANSWER_KEPT
"""The bytes of an answer that are read: UTF-8 takes up to four for a character."""


class SentWebhook(Attempt):
    """An attempt, with the header by which the platform asks for a wait."""

    retry_after: str | None = None

    @property
    def attempt(self) -> Attempt:
        """The part that is stored."""
        return Attempt(**self.model_dump(exclude={"retry_after"}))


class WebhookSender:
    """Sends messages to ``SLOTSYNC_WEBHOOK_URL``. Each attempt is signed anew, with every secret that is set."""

    def __init__(
        self, settings: Settings, *, clock: Callable[[], datetime] = utc_now, timeout: timedelta = RESPONSE_TIMEOUT
    ) -> None:
        self._settings = settings
        self._clock = clock
        # For the whole exchange: the timeout of httpx begins anew with every byte that arrives.
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113

    async def aclose(self) -> None:
        """Close the connections to the platform."""
        await self._http.aclose()

    async def send(self, message_id: str, body: str) -> SentWebhook:
        """Send a message once, and return what came of it."""
        now, began = self._clock(), monotonic()
        answered = await self._post(self._headers(message_id, body, now), body.encode())
        return SentWebhook(at=now, duration_ms=round((monotonic() - began) * 1000), **answered)

    async def _post(self, headers: dict[str, str], body: bytes) -> dict[str, object]:
        """Return the answer's status and how it begins, or how it failed.

        Not the client's own message: it may hold the URL, and with it a password.
        """
        try:
            async with (
                asyncio.timeout(self._timeout.total_seconds()),
                self._http.stream("POST", self._settings.webhook_url, content=body, headers=headers) as answer,
            ):
                text = await _read_beginning(answer)
                retry_after = answer.headers.get("Retry-After")
                return {"status": answer.status_code, "answer": text, "retry_after": retry_after}
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return {"failure": type(error).__name__}

    def _headers(self, message_id: str, body: str, now: datetime) -> dict[str, str]:
        secrets = [each.get_secret_value() for each in self._settings.webhook_secret]
        return {
            "Content-Type": "application/json",
            "User-Agent": "slotsync",
            "webhook-id": message_id,
            "webhook-timestamp": str(math.floor(now.timestamp())),
            "webhook-signature": " ".join(Webhook(each).sign(message_id, now, body) for each in secrets),
        }


async def _read_beginning(answer: httpx.Response) -> str | None:
    """Return the first characters of the answer's body, or None without any. The rest of a long one is not read."""
    read = b""
    with suppress(httpx.DecodingError):
        async for part in answer.aiter_bytes():
            read += part
            if len(read) >= _MAX_ANSWER_READ:
                break
    return read.decode(errors="replace")[:MAX_ANSWER_KEPT] or None
