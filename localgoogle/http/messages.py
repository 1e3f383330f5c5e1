"""Requests and replies of the API, and how a connection is closed when the reply is lost."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from localgoogle.protocol.errors import CalendarApiError
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
        """The request that is meant: clients send GETs with long queries as POSTed forms."""
        pairs = parse_qsl(query, keep_blank_values=True)
        override = headers.get("x-http-method-override")
        if override and headers.get("content-type", "").startswith(_FORM):
            return cls(override, path, pairs + parse_qsl(body.decode(), keep_blank_values=True), headers)
        return cls(override or verb, path, pairs, headers, body)

    def parameter(self, name: str) -> str:
        """The last value of a query parameter, or an empty string."""
        return next((value for key, value in reversed(self.query) if key == name), "")

    @property
    def access_token(self) -> str:
        """The bearer token, or an empty string."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else self.parameter("oauth_token")


@dataclass(frozen=True)
class ApiReply:
    """One reply. A ``lost`` one never leaves: the connection is closed instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    @classmethod
    def from_content(cls, content: JsonObject | None, *, pretty: bool) -> "ApiReply":
        """The reply of a method that went well."""
        if content is None:
            return cls(204)
        headers = {"content-type": JSON_TYPE}
        if isinstance(etag := content.get("etag"), str):
            headers["etag"] = etag
        return cls(200, json.dumps(content, indent=1 if pretty else None).encode(), headers)

    @classmethod
    def from_error(cls, error: CalendarApiError) -> "ApiReply":
        """The reply of a method that did not."""
        headers = {"content-type": JSON_TYPE, "vary": "Origin, X-Origin, Referer"}
        if error.status == 401:  # noqa: PLR2004 - the status that the header belongs to
            headers["www-authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return cls(error.status, error.encoded(), headers)


LOST_REPLY = ApiReply(0, lost=True)


class ClosableProtocol(H11Protocol):
    """uvicorn's protocol, with its connection within reach of the app."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Puts the connection into the state that every request of it carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": transport}


async def close_connection(scope: Scope, receive: Receive) -> None:
    """Closes the request's connection without a byte of answer."""
    cast("asyncio.Transport", scope["state"]["connection"]).close()
    while (await receive())["type"] != "http.disconnect":
        pass
