"""The id of the request that is being answered: the caller's own, or a new one."""

import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.datastructures import Headers

HEADER = "X-Request-Id"

_CURRENT: ContextVar[str] = ContextVar("slotsync_request_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def begin_request(headers: Headers) -> str:
    """The id that the caller chose, if it is fit for a log line; else a new one."""
    chosen = headers.get(HEADER, "")
    request_id = chosen if _ACCEPTABLE.fullmatch(chosen) else uuid4().hex
    _CURRENT.set(request_id)
    return request_id


def current_request() -> str:
    """The id of the request that this task answers."""
    return _CURRENT.get()
