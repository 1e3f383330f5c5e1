"""The middleware of every route: API keys, body limit and security headers."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final, Self

from fastapi import HTTPException
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.api.problems import NO_KEY, TOO_LARGE, problem_response

PROTECTED: Final = "/v1"
"""The path below which every address needs an API key."""

MAX_BODY_BYTES: Final = 256 * 1024


class ApiKeys:
    """The valid API keys. Only their hashes are kept."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._hashes = tuple(_hash_key(key.get_secret_value().encode()) for key in keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the keys of the setting SLOTSYNC_API_KEYS.

        Raises:
            SettingsError: no key is set.
        """
        if not settings.api_keys:
            raise SettingsError(
                "SLOTSYNC_API_KEYS: is not set "
                "(make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))')"
            )
        return cls(settings.api_keys)

    def allow(self, key: bytes) -> bool:
        """Return whether the key is valid. All invalid keys take the same time."""
        presented = _hash_key(key)
        return sum(hmac.compare_digest(presented, known) for known in self._hashes) > 0


class ApiKeyGate:
    """Middleware that refuses a request to the API without a valid key, before anything else of it is read."""

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with status 401."""
        if scope["type"] != "http" or not _is_protected(scope["path"]) or self._keys.allow(_read_key(scope)):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="slotsync"'}
        detail = "Send the header Authorization: Bearer <API key>, with a key that SLOTSYNC_API_KEYS names."
        await problem_response(NO_KEY, detail, headers=challenge)(scope, receive, send)


def _is_protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(f"{PROTECTED}/")


def _read_key(scope: Scope) -> bytes:
    scheme, _, key = Headers(scope=scope).get("Authorization", "").partition(" ")
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _hash_key(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


class BodyLimit:
    """Middleware that refuses a body of more than ``MAX_BODY_BYTES``, whatever its Content-Length says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that is counted while it is read, or answer with status 413."""
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            await problem_response(TOO_LARGE, "A body may have at most 256 kB.")(scope, receive, send)
            return
        await self._app(scope, _LimitedBody(receive), send)


class _LimitedBody:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes_read = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._bytes_read += len(message.get("body", b""))
        if self._bytes_read > MAX_BODY_BYTES:
            raise HTTPException(TOO_LARGE.status)
        return message


_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Middleware that adds the security headers that a response does not set itself."""

    def __init__(self, app: ASGIApp, *, over_https: bool) -> None:
        self._app = app
        strict_transport = {"Strict-Transport-Security": "max-age=31536000"} if over_https else {}
        self._headers = {**_SECURITY_HEADERS, **strict_transport}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
