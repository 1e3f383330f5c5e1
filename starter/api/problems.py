"""Problem documents (RFC 9457), with the id of the request."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from slotsync.domain.messages import Message
from slotsync.errors import SlotsyncError

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


MEDIA_TYPE = "application/problem+json"


class FieldProblem(Message):
    """One field that is wrong. ``place`` is ``body``, ``path`` or ``query``; the field's value is never repeated."""

    place: str
    field: str
    detail: str


class Problem(Message):
    """A problem document. ``request_id`` finds the request in slotsync's log."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class ProblemType:
    """What kind of problem it is: its name, its HTTP status, and the same few words each time."""

    name: str
    status: int
    title: str


INVALID = ProblemType("invalid-request", 422, "The request has fields that are wrong")
UNREADABLE = ProblemType("unreadable-body", 400, "The body cannot be read")
NO_KEY = ProblemType("api-key-needed", 401, "A valid API key is needed")
NOT_FOUND = ProblemType("not-found", 404, "There is no such thing")
NOT_ALLOWED = ProblemType("method-not-allowed", 405, "This address does not take this method")
TOO_LARGE = ProblemType("body-too-large", 413, "The body is too large")
NOT_CONNECTED = ProblemType("google-not-connected", 409, "The merchant's Google account is not connected")
NOT_GRANTED = ProblemType("google-scope-missing", 409, "The merchant has not allowed this in Google")
NOT_SET_UP = ProblemType("not-set-up", 501, "slotsync is not set up for this")
UNEXPECTED = ProblemType("unexpected", 500, "Something went wrong inside slotsync")
UNAVAILABLE = ProblemType("unavailable", 503, "A part that slotsync needs does not answer")

EVERYWHERE = (INVALID, UNREADABLE, NO_KEY, NOT_FOUND, TOO_LARGE, UNEXPECTED, UNAVAILABLE)
"""What any route may answer with."""

OF_GOOGLE = (NOT_CONNECTED, NOT_GRANTED, NOT_SET_UP)
"""What routes that need a merchant's Google may answer with, too."""

KINDS = (*EVERYWHERE, *OF_GOOGLE, NOT_ALLOWED)


class ApiError(SlotsyncError):
    """A request that is answered with a problem document."""

    def __init__(self, kind: ProblemType, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def problem_response(
    kind: ProblemType, detail: str, errors: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer that tells of this problem."""
    problem = Problem(
        type=f"urn:slotsync:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        request_id=current_request(),
        errors=tuple(errors),
    )
    content = problem.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(content, kind.status, headers, media_type=MEDIA_TYPE)
