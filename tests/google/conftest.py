"""Parts for the tests of the Google adapter: grants in memory, and a real HTTP server that says what it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import DesiredEvent, EventContent, EventKey
from slotsync.errors import GrantLost
from slotsync.google.service import GoogleServices
from slotsync.settings import Settings


def content_of(**content: object) -> EventContent:
    """What a sunset tour shows, with whatever a test wants different."""
    usual = {
        "summary": "Sunset tour",
        "start": datetime(2026, 7, 1, 15, tzinfo=UTC),
        "end": datetime(2026, 7, 1, 17, tzinfo=UTC),
        "time_zone": "Europe/Oslo",
    }
    return EventContent.model_validate({**usual, **content})


def desired_event(
    *,
    reservation: str = "R-1042",
    item: str = "1",
    version: int = 1,
    calendar_id: str = "calendar",
    connection_id: str = "c-1",
    **content: object,
) -> DesiredEvent:
    """A sunset tour, with whatever a test wants different."""
    return DesiredEvent(
        merchant="arctic-kayaks",
        reservation=reservation,
        key=EventKey(item=item, owner=Owner.product("sunset-tour")),
        version=version,
        calendar_id=calendar_id,
        connection_id=connection_id,
        content=content_of(**content),
    )


@dataclass(frozen=True)
class MemoryGrant:
    refresh_token: str
    access_token: str | None = None
    expires_at: datetime | None = None


@dataclass
class MemoryGrants:
    """Grants as the store keeps them."""

    grants: dict[str, MemoryGrant] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    leases: dict[str, str] = field(default_factory=dict)

    def grant(self, connection_id: str) -> MemoryGrant:
        if connection_id not in self.grants:
            raise GrantLost("the connection has no grant", reason="no_grant")
        return self.grants[connection_id]

    def forget_access_tokens(self) -> None:
        self.grants = {name: MemoryGrant(grant.refresh_token) for name, grant in self.grants.items()}

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        self.saved.append(token)
        self.grants[connection_id] = MemoryGrant(self.grants[connection_id].refresh_token, token, expires_at)

    def take_lease(self, connection_id: str, holder: str, lasts: timedelta) -> bool:
        assert lasts > timedelta()
        return self.leases.setdefault(connection_id, holder) == holder

    def give_back_lease(self, connection_id: str, holder: str) -> None:
        assert self.leases.pop(connection_id) == holder


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, body: object, **headers: str) -> "Answer":
        return cls(status, json.dumps(body), {"Content-Type": "application/json", **headers})


UNAUTHENTICATED = Answer.of(
    401,
    {"error": {"code": 401, "errors": [{"reason": "authError", "location": "Authorization"}], "message": "x"}},
)


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    token: str


@dataclass
class AnsweringServer:
    """Google as far as one test needs it: ``reply`` answers, after ``replies``; ``token`` at the token endpoint."""

    url: str = ""
    connections: int = 0
    open_connections: int = 0
    refused_tokens: set[str] = field(default_factory=set)
    replies: list[Answer] = field(default_factory=list)
    reply: Answer = Answer()
    token: Answer = Answer(body=json.dumps({"access_token": "fresh", "expires_in": 3599}))
    seen: list[Seen] = field(default_factory=list)

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        if seen.path == "/token":
            return self.token
        if seen.token in self.refused_tokens:
            return UNAUTHENTICATED
        return self.replies.pop(0) if self.replies else self.reply

    def calls(self, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if path in seen.path]


def _handler(server: AnsweringServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            server.connections += 1
            server.open_connections += 1

        def finish(self) -> None:
            super().finish()
            server.open_connections -= 1

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            answer = server.answer(Seen(self.command, self.path, token))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body.encode())), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of its parent
            pass

    return Handler


@contextmanager
def _serving(server: AnsweringServer) -> Iterator[AnsweringServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        yield server
        http.shutdown()
        thread.join()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def settings_at(url: str) -> Settings:
    return Settings(
        _env_file=None,
        encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
        google_client_id="client",
        google_client_secret=SecretStr("secret"),
        google_endpoint=url,
    )


@pytest.fixture
def answering() -> Iterator[AnsweringServer]:
    with _serving(AnsweringServer()) as server:
        yield server


@pytest.fixture
def grants() -> MemoryGrants:
    return MemoryGrants({"c-1": MemoryGrant("refresh-1", "stored", datetime.now(UTC) + timedelta(hours=1))})


@pytest.fixture
def answered(answering: AnsweringServer, grants: MemoryGrants) -> Iterator[GoogleServices]:
    """Services that talk to the answering server."""
    with closing(GoogleServices(settings_at(answering.url), grants, timeout=timedelta(seconds=5))) as services:
        yield services
