"""Requests and replies of the API, and the closing of a connection without a reply."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from localgoogle.protocol.arguments import read_bearer_token
from localgoogle.protocol.errors import BEARER_CHALLENGE, CalendarApiError
from localgoogle.protocol.json_values import JsonObject

JSON_TYPE = "application/json; charset=UTF-8"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class ApiRequest:
    """One request. ``path`` is still encoded; header names are in lower case."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes = b""

    @classmethod
    def read(cls, verb: str, path: str, query: str, headers: dict[str, str], body: bytes) -> "ApiRequest":
        """Return the request that the client means: clients send a GET with a long query as a form with POST."""
        pairs = parse_qsl(query, keep_blank_values=True)
        override = headers.get("x-http-method-override")
        if override and headers.get("content-type", "").startswith(_FORM):
            return cls(override, path, pairs + parse_qsl(body.decode(), keep_blank_values=True), headers)
        return cls(override or verb, path, pairs, headers, body)

    def parameter(self, name: str) -> str:
        """Return the last value of a query parameter, or an empty string."""
        return next((value for key, value in reversed(self.query) if key == name), "")

    @property
    def access_token(self) -> str:
        """The bearer token, or an empty string."""
        token = read_bearer_token(self.headers.get("authorization", ""))
        return self.parameter("oauth_token") if token is None else token


@dataclass(frozen=True)
class ApiReply:
    """One reply. A ``lost`` one is not sent: the connection is closed instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    @classmethod
    def from_content(cls, content: JsonObject | None, *, pretty: bool) -> "ApiReply":
        """Return the reply of a method that succeeded."""
        if content is None:
            return cls(204)
        headers = {"content-type": JSON_TYPE}
        if isinstance(etag := content.get("etag"), str):
            headers["etag"] = etag
        return cls(200, json.dumps(content, indent=1 if pretty else None).encode(), headers)

    @classmethod
    def from_error(cls, error: CalendarApiError) -> "ApiReply":
        """Return the reply of a method that failed."""
        headers = {"content-type": JSON_TYPE, "vary": "Origin, X-Origin, Referer"}
        if error.status == 401:  # noqa: PLR2004 - the status that the header belongs to
            headers["www-authenticate"] = BEARER_CHALLENGE
        return cls(error.status, error.encoded(), headers)


LOST_REPLY = ApiReply(0, lost=True)


class ClosableProtocol(H11Protocol):
    """uvicorn's protocol, which gives the app access to its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Put the connection into the state that each of its requests carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": transport}


async def close_connection(scope: Scope, receive: Receive) -> None:
    """Close the request's connection without a byte of answer."""
    cast("asyncio.Transport", scope["state"]["connection"]).close()
    while (await receive())["type"] != "http.disconnect":
        pass
