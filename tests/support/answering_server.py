"""A server in Google's place that gives the answers of a test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
class ReceivedRequest:
    method: str
    path: str
    token: str


@dataclass
class AnsweringServer:
    """Google with prepared answers: first ``replies``, then always ``reply``; ``token`` at the token endpoint."""

    url: str = ""
    connections: int = 0
    open_connections: int = 0
    refused_tokens: set[str] = field(default_factory=set)
    replies: list[Answer] = field(default_factory=list)
    reply: Answer = Answer()
    token: Answer = Answer(body=json.dumps({"access_token": "fresh", "expires_in": 3599}))
    requests: list[ReceivedRequest] = field(default_factory=list)

    def answer(self, request: ReceivedRequest) -> Answer:
        self.requests.append(request)
        if request.path == "/token":
            return self.token
        if request.token in self.refused_tokens:
            return UNAUTHENTICATED
        return self.replies.pop(0) if self.replies else self.reply

    def calls(self, path: str = "") -> list[ReceivedRequest]:
        return [request for request in self.requests if path in request.path]


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
            answer = server.answer(ReceivedRequest(self.command, self.path, token))
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
def serving_answers(server: AnsweringServer) -> Iterator[AnsweringServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        yield server
        http.shutdown()
        thread.join()
