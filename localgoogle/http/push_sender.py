"""Send push notifications over HTTP, and retry while the receiver is down."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import httpx

from localgoogle.local_google import LocalGoogle
from localgoogle.state.channels import Notification, StoredChannel

_RETRIED_STATUSES = frozenset({500, 502, 503, 504})
_MAX_TRIES = 8
_SEND_TIMEOUT = timedelta(seconds=10)


class PushSender:
    """One line of messages per channel, in order. A message that waits makes the next one needless."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google
        self._loop = asyncio.get_running_loop()
        self._http = httpx.AsyncClient(timeout=_SEND_TIMEOUT.total_seconds())
        self._waiting: dict[StoredChannel, Notification] = {}
        self._send_tasks: dict[StoredChannel, asyncio.Task[None]] = {}

    def send(self, notification: Notification) -> None:
        """Delivers soon; safe to call from any thread."""
        self._loop.call_soon_threadsafe(self._accept, notification)

    async def close(self) -> None:
        """Drops what was not delivered."""
        lines = list(self._send_tasks.values())
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await self._http.aclose()

    def _accept(self, notification: Notification) -> None:
        channel = notification.channel
        method = "events.watch" if channel.calendar_id else "calendarList.watch"
        if self._google.faults.take_special("lost_push", method, channel.account, channel.calendar_id):
            return
        key = channel.opened()
        if notification.state == "exists":
            self._waiting[key] = notification
        if key not in self._send_tasks:
            first = notification if notification.state == "sync" else None
            self._send_tasks[key] = self._loop.create_task(self._run(key, first))

    async def _run(self, key: StoredChannel, first: Notification | None) -> None:
        try:
            if first:
                await self._deliver(first)
            while notification := self._waiting.pop(key, None):
                await self._deliver(notification)
        finally:
            self._send_tasks.pop(key, None)

    async def _deliver(self, notification: Notification) -> None:
        pause = self._google.options.push_backoff.total_seconds()
        for _ in range(_MAX_TRIES):
            if not self._google.channels.is_open(notification.channel) or await self._post(notification):
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def _post(self, notification: Notification) -> bool:
        """Whether this message needs no other try: it arrived, or was refused for good."""
        try:
            response = await self._http.post(notification.channel.address, headers=_headers(notification))
        except httpx.HTTPError:
            return False
        return response.status_code not in _RETRIED_STATUSES


def _headers(notification: Notification) -> dict[str, str]:
    channel = notification.channel
    headers = {
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        "Content-Length": "0",
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Expiration": format_datetime(channel.expires(), usegmt=True),
        "X-Goog-Message-Number": str(notification.number),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-State": notification.state,
        "X-Goog-Resource-URI": channel.resource_uri,
    }
    return headers | ({"X-Goog-Channel-Token": channel.token} if channel.token else {})
