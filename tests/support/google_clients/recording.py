"""Recording of HTTP exchanges as they were sent."""

import json
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers: TypeAlias = dict[str, str]
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


@dataclass(frozen=True)
class Exchange:
    """One request with its answer."""

    verb: str
    path: str
    query: dict[str, list[str]]
    request_body: bytes
    status: int
    headers: Headers
    response_body: bytes

    @property
    def request(self) -> Json:
        """The JSON that was sent."""
        return cast("Json", json.loads(self.request_body))

    @property
    def response(self) -> Json:
        """The JSON that was answered."""
        return cast("Json", json.loads(self.response_body))

    def __str__(self) -> str:
        return f"{self.verb} {self.path} -> {self.status}"


@dataclass
class Recorder:
    """The recorded exchanges, in order."""

    exchanges: list[Exchange] = field(default_factory=list)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with its exchanges recorded."""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            tape = _Tape(self, scope, receive, send)
            await app(scope, tape.receive, tape.send)

        return recorded

    def take(self) -> list[Exchange]:
        """Return and forget the exchanges recorded so far."""
        taken, self.exchanges = self.exchanges, []
        return taken

    def calls(self, verb: str, ending: str) -> list[Exchange]:
        """Return the recorded calls of one kind that are not yet taken."""
        return [one for one in self.exchanges if one.verb == verb and one.path.endswith(ending)]


@dataclass
class _Tape:
    """An exchange that is being recorded. An answer that never ends (a dropped connection) is not recorded."""

    recorder: Recorder
    scope: Scope
    next_message: Receive
    pass_on: Send
    asked: bytes = b""
    answered: bytes = b""
    start: MutableMapping[str, object] = field(default_factory=dict)

    async def receive(self) -> Message:
        message = await self.next_message()
        self.asked += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.answered += message.get("body", b"")
            if not message.get("more_body"):
                # Before it is sent, so that the recording is complete when the client has the answer.
                self.recorder.exchanges.append(self._exchange())
        await self.pass_on(message)

    def _exchange(self) -> Exchange:
        status, headers = self.start["status"], self.start["headers"]
        assert isinstance(status, int)
        assert isinstance(headers, list)
        asked_for = _text(self.scope["headers"])
        # Google's Python client sends a GET of more than 2048 characters as a form.
        overridden = asked_for.get("x-http-method-override")
        query = self.asked if overridden else self.scope["query_string"]
        return Exchange(
            verb=overridden or self.scope["method"],
            path=self.scope["raw_path"].decode(),
            query=parse_qs(query.decode(), keep_blank_values=True),
            request_body=b"" if overridden else self.asked,
            status=status,
            headers=_text(headers),
            response_body=self.answered,
        )


def _text(headers: list[tuple[bytes, bytes]]) -> Headers:
    return {name.decode().lower(): value.decode() for name, value in headers}
