"""API keys."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Self

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.api.paths import PROTECTED
from starter.api.problems import NO_KEY, problem_response


class ApiKeys:
    """The keys that are good, known only by their hashes."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._hashes = tuple(_hash(key.get_secret_value().encode()) for key in keys)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keys that are set; a SettingsError when none is."""
        if not settings.api_keys:
            raise SettingsError(
                "SLOTSYNC_API_KEYS: is not set "
                "(make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))')"
            )
        return cls(settings.api_keys)

    def allow(self, key: bytes) -> bool:
        """Whether the key is good; takes the same time for each key that is not."""
        presented = _hash(key)
        return sum(hmac.compare_digest(presented, known) for known in self._hashes) > 0


class ApiKeyGate:
    """Lets a request to the API pass only with a key, before anything else of it is read."""

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers 401."""
        if scope["type"] != "http" or not _is_protected(scope["path"]) or self._keys.allow(_key_in(scope)):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="slotsync"'}
        detail = "Send the header Authorization: Bearer <API key>, with a key that SLOTSYNC_API_KEYS names."
        await problem_response(NO_KEY, detail, headers=challenge)(scope, receive, send)


def _is_protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(f"{PROTECTED}/")


def _key_in(scope: Scope) -> bytes:
    scheme, _, key = Headers(scope=scope).get("Authorization", "").partition(" ")
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
