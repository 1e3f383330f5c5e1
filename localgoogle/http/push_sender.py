"""Send push notifications over HTTP, and try again while the receiver fails."""

import asyncio
import ssl
from datetime import timedelta
from email.utils import format_datetime
from functools import cache

import httpx

from localgoogle.local_google import LocalGoogle
from localgoogle.state.channels import Notification, StoredChannel

_RETRIED_STATUSES = frozenset({500, 502, 503, 504})
_MAX_ATTEMPTS = 8
_SEND_TIMEOUT = timedelta(seconds=10)


@cache
def _tls() -> ssl.SSLContext:
    """Return one context for all servers of a process: to read all certificates takes longer than many tests."""
    return httpx.create_ssl_context()


class PushSender:
    """Sends notifications in order, for each channel separately; of several that wait it sends only the latest."""

    def __init__(self, google: LocalGoogle) -> None:
        self._google = google
        self._loop = asyncio.get_running_loop()
        self._http = httpx.AsyncClient(verify=_tls(), timeout=_SEND_TIMEOUT.total_seconds())
        self._waiting: dict[StoredChannel, Notification] = {}
        self._send_tasks: dict[StoredChannel, asyncio.Task[None]] = {}

    def send(self, notification: Notification) -> None:
        """Send the notification without waiting for it; any thread may call this."""
        self._loop.call_soon_threadsafe(self._accept, notification)

    async def close(self) -> None:
        """Stop, and discard notifications that were not delivered."""
        tasks = list(self._send_tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    def _accept(self, notification: Notification) -> None:
        channel = notification.channel
        method = "events.watch" if channel.calendar_id else "calendarList.watch"
        if self._google.faults.take_special("lost_push", method, channel.account, channel.calendar_id):
            return
        key = channel.as_opened()
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
        for _ in range(_MAX_ATTEMPTS):
            if not self._google.channels.is_open(notification.channel) or await self._post(notification):
                return
            await asyncio.sleep(pause)
            pause *= 2

    async def _post(self, notification: Notification) -> bool:
        """Return whether no other attempt is necessary: the notification arrived, or was refused for good."""
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
        "X-Goog-Channel-Expiration": format_datetime(channel.expires_at, usegmt=True),
        "X-Goog-Message-Number": str(notification.number),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-State": notification.state,
        "X-Goog-Resource-URI": channel.resource_uri,
    }
    return headers | ({"X-Goog-Channel-Token": channel.token} if channel.token else {})
