"""The gate of the API: no request passes without a key, and none goes where its key may not."""

from collections import Counter
from datetime import timedelta
from typing import Final

from cachetools import TTLCache
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from slotsync.domain.audit import Actor, ActorKind
from slotsync.store.audit_log import act_as
from starter.api.keys import NEEDED_ROLES, ApiKey, ApiKeys, Role
from starter.api.middleware import PROTECTED
from starter.api.problems import NO_KEY, NOT_PERMITTED, TOO_MANY, ApiError, problem_response
from starter.api.shares import read_address

MAX_WRONG_KEYS: Final = 100
"""The wrong keys of one address that are answered within a ``WINDOW``; a valid key is always answered."""

WINDOW: Final = timedelta(minutes=1)
_MAX_ADDRESSES: Final = 10_000


class ApiKeyGate:
    """Middleware that refuses a request to the API without a valid key, before anything else of it is read."""

    def __init__(self, app: ASGIApp, keys: ApiKeys) -> None:
        self._app = app
        self._keys = keys
        self._wrong: TTLCache[str, Counter[str]] = TTLCache(_MAX_ADDRESSES, WINDOW.total_seconds())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its key, or answer with status 401 or 429."""
        if scope["type"] != "http" or not _is_protected(scope["path"]):
            await self._app(scope, receive, send)
        elif key := self._keys.find(_read_secret(scope)):
            scope.setdefault("state", {})["api_key"] = key
            act_as(Actor(kind=ActorKind.KEY, name=key.name, address=read_address(scope)))
            await self._app(scope, receive, send)
        else:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = read_address(scope)
        # The counter is changed in its place: putting it anew would begin another window.
        tries = self._wrong.setdefault(address, Counter())
        tries[address] += 1
        if tries[address] > MAX_WRONG_KEYS:
            later = {"Retry-After": str(round(WINDOW.total_seconds()))}
            detail = "Too many requests without a valid key came from this address; try again later."
            await problem_response(TOO_MANY, detail, headers=later)(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="slotsync"'}
        detail = "Send the header Authorization: Bearer <API key>, with a key that SLOTSYNC_API_KEYS names."
        await problem_response(NO_KEY, detail, headers=challenge)(scope, receive, send)


def presented_key(request: Request) -> ApiKey:
    """Return the key of the request, which has passed the gate."""
    key: ApiKey = request.state.api_key
    return key


async def require_permission(request: Request) -> None:
    """Check that the request's key has the role that the route needs, and is for its merchant.

    Raises:
        ApiError: it has not, or is not.
    """
    key = presented_key(request)
    role = NEEDED_ROLES.get((request.method, request.scope["route"].path))
    if not key.may(role):
        raise ApiError(NOT_PERMITTED, f"This needs a key with the role {role}.")
    if not key.opens(request.path_params.get("merchant", key.merchants)):
        raise ApiError(NOT_PERMITTED, "This key is for other merchants.")


def may_see_names(request: Request) -> bool:
    """Return whether the request's key may see the names of a merchant's own calendars."""
    return presented_key(request).may(Role.CONNECT)


def may_see_ids(request: Request) -> bool:
    """Return whether the request's key may see the ids of a merchant's own calendars, some of which are addresses.

    Those who pick calendars have to name them.
    """
    key = presented_key(request)
    return key.may(Role.CONNECT) or key.may(Role.MANAGE)


def _is_protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(f"{PROTECTED}/")


def _read_secret(scope: Scope) -> bytes:
    scheme, _, secret = Headers(scope=scope).get("Authorization", "").partition(" ")
    return secret.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
