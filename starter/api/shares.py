"""The shares of callers: how many requests, or bodies, of a caller are under way at once, next to those of others."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from starlette.types import Receive, Scope, Send

from slotsync.google.channels import PUSH_PATH
from starter.api.documentation import MERCHANT
from starter.api.errors import retry_after
from starter.api.keys import ApiKey
from starter.api.problems import UNAVAILABLE, problem_response
from starter.services.places import Places, Share

SHARES: Final = 4
"""A key that is for some merchants only may have one of so many equal parts of the API's places."""

RETRY_AFTER_ONE_SECOND: Final = retry_after(timedelta(seconds=1))
TOO_MANY_AT_ONCE: Final = "Too many requests at once; try again."

_MERCHANTS: Final = MERCHANT.partition("{")[0]


class CallerPlaces:
    """Places of the API, of pages, and of Google: who has no key takes none of those who have one.

    Callers share them: those with a key by merchant, all others by their address.
    """

    def __init__(self, max_places: int, max_without_key: int | None = None) -> None:
        self._max_places = max_places
        self._max_without_key = max_places if max_without_key is None else max_without_key
        self._places = Places()

    @contextmanager
    def take(self, scope: Scope) -> Iterator[bool]:
        """Take a place for a request within the block, if one is left for its caller; yield whether it is taken."""
        limits, share = self._list_limits(scope)
        with self._places.take(limits, share) as free:
            yield free

    def _list_limits(self, scope: Scope) -> tuple[Mapping[Hashable, int], Share]:
        key: ApiKey | None = scope.get("state", {}).get("api_key")
        if key is None:
            pool = "pushes" if scope["path"] == PUSH_PATH else "pages"
            return {pool: self._max_without_key}, Share(pool, read_address(scope))
        limits: dict[Hashable, int] = {"api": self._max_places}
        if key.merchants:
            limits["key", key.name] = self._max_places // SHARES
        return limits, Share("api", (key.name, _read_merchant(scope["path"])))


async def refuse_for_now(scope: Scope, receive: Receive, send: Send, *, closing: bool = False) -> None:
    """Answer a request for which there is no place; with ``closing`` its connection ends, with what it still sends."""
    headers = RETRY_AFTER_ONE_SECOND | ({"Connection": "close"} if closing else {})
    await problem_response(UNAVAILABLE, TOO_MANY_AT_ONCE, headers=headers)(scope, receive, send)


def read_address(scope: Scope) -> str:
    """Return the address that the request came from."""
    return str((scope.get("client") or ("",))[0])


def _read_merchant(path: str) -> str:
    """Return the merchant in the path, or an empty text if it names none."""
    return path.removeprefix(_MERCHANTS).partition("/")[0] if path.startswith(_MERCHANTS) else ""
