"""The platform's receiver of webhooks: a server that checks every signature, and fails on request."""

import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypedDict

from pydantic import SecretStr
from standardwebhooks import Webhook
from typing_extensions import override

from slotsync.settings import Settings

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK_PATH = "/hook/?key=a-secret-of-the-platform"


class ReceivedWebhook(TypedDict):
    """A message that arrived, with a good signature."""

    id: str
    type: str
    data: dict[str, object]
    at: datetime


@dataclass(frozen=True)
class WebhookAttempt:
    """A request that arrived, whatever it was answered; its headers have lower-case names."""

    id: str
    body: str
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True)
class WebhookAnswer:
    """An answer instead of an acceptance; with ``status`` 0 it accepts the message, but drops the connection."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class WebhookReceiver:
    """Receives webhooks. ``messages`` are those that it took, in order, repeated ones too; ``attempts`` are all."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[ReceivedWebhook] = []
        self.attempts: list[WebhookAttempt] = []
        self._lock = threading.Lock()
        self._next: list[WebhookAnswer] = []
        self._always: WebhookAnswer | None = None
        self._arrived, self._open = threading.Event(), threading.Event()
        self._open.set()

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with webhooks sent to this receiver."""
        return settings.model_copy(update={"webhook_url": self.url, "webhook_secret": (SecretStr(WEBHOOK_SECRET),)})

    def fail(
        self,
        status: int = 503,
        *,
        times: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        """Answer the next requests with this failure, or all requests until ``heal``."""
        failure = WebhookAnswer(status, headers or {}, body)
        with self._lock:
            if times is None:
                self._always = failure
            else:
                self._next += [failure] * times

    def lose_answers(self, times: int) -> None:
        """Accept the next messages, but drop the connection instead of answering."""
        self.fail(0, times=times)

    def heal(self) -> None:
        """Answer without failures from now on."""
        with self._lock:
            self._always = None
            self._next.clear()

    @contextmanager
    def held_up(self) -> Iterator[Callable[[], Awaitable[bool]]]:
        """Hold all requests within the block, and yield a function that returns whether one has arrived."""

        async def arrived() -> bool:
            return self._arrived.is_set()

        self._arrived.clear()
        self._open.clear()
        try:
            yield arrived
        finally:
            self._open.set()

    def messages_of_type(self, kind: str) -> list[ReceivedWebhook]:
        """Return the messages of this type."""
        return [each for each in self.messages if each["type"] == kind]

    def receive(self, body: str, headers: Mapping[str, str]) -> WebhookAnswer:
        """Return the answer to a request; a bad signature gets 401."""
        self._arrived.set()
        self._open.wait()
        attempt = WebhookAttempt(headers.get("webhook-id", ""), body, headers, datetime.now(UTC))
        with self._lock:
            self.attempts.append(attempt)
            failure = self._next.pop(0) if self._next else self._always
            if failure and failure.status:
                return failure
            if not _is_genuine(attempt):
                return WebhookAnswer(401)
            self.messages.append(_read(attempt))
            return failure or WebhookAnswer(204)


def _is_genuine(attempt: WebhookAttempt) -> bool:
    try:
        Webhook(WEBHOOK_SECRET).verify(attempt.body, dict(attempt.headers))
    except Exception:  # noqa: BLE001 - whatever the library finds wrong with it
        return False
    return True


def _read(attempt: WebhookAttempt) -> ReceivedWebhook:
    envelope = json.loads(attempt.body)
    return ReceivedWebhook(id=attempt.id, type=envelope["type"], data=envelope["data"], at=attempt.at)


@contextmanager
def running_webhook_receiver() -> Iterator[WebhookReceiver]:
    """Yield a receiver in threads of its own, on a free port."""
    platform = WebhookReceiver()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = platform.receive(body, {name.lower(): value for name, value in self.headers.items()})
            if answer.status:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body.encode())

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Write nothing: the log of the tests is slotsync's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = False
    platform.url = f"http://127.0.0.1:{server.server_port}{WEBHOOK_PATH}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="platform")
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
