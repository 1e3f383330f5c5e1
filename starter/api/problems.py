"""Problem documents (RFC 9457), and the id of the current request."""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from slotsync.domain.messages import Message
from slotsync.errors import SlotsyncError

REQUEST_ID_HEADER = "X-Request-Id"

_REQUEST_ID: ContextVar[str] = ContextVar("slotsync_request_id", default="")
_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def begin_request(headers: Headers) -> str:
    """Set and return the id of the request: the caller's own if it is safe in a log line, else a new one."""
    chosen = headers.get(REQUEST_ID_HEADER, "")
    request_id = chosen if _SAFE_REQUEST_ID.fullmatch(chosen) else uuid4().hex
    _REQUEST_ID.set(request_id)
    return request_id


def current_request_id() -> str:
    """Return the id of the request that this task answers, or an empty text outside of a request."""
    return _REQUEST_ID.get()


MEDIA_TYPE = "application/problem+json"


class FieldProblem(Message):
    """One invalid field. ``place`` is ``body``, ``path`` or ``query``; the field's value is never repeated."""

    place: str
    field: str
    detail: str


class Problem(Message):
    """A problem document. Search slotsync's log for its ``request_id`` to find the request."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class ProblemType:
    """A type of problem: its name, its HTTP status, and a short title that is always the same."""

    name: str
    status: int
    title: str


INVALID = ProblemType("invalid-request", 422, "The request has fields that are wrong")
UNREADABLE = ProblemType("unreadable-body", 400, "The body cannot be read")
NO_KEY = ProblemType("api-key-needed", 401, "A valid API key is needed")
NOT_PERMITTED = ProblemType("not-permitted", 403, "The API key does not allow this")
TOO_MANY = ProblemType("too-many-requests", 429, "Too many requests")
NOT_FOUND = ProblemType("not-found", 404, "There is no such thing")
NOT_ALLOWED = ProblemType("method-not-allowed", 405, "This address does not take this method")
TOO_SLOW = ProblemType("request-too-slow", 408, "The body took too long to arrive")
TOO_LARGE = ProblemType("body-too-large", 413, "The body is too large")
NOT_CONNECTED = ProblemType("google-not-connected", 409, "The merchant's Google account is not connected")
NOT_GRANTED = ProblemType("google-scope-missing", 409, "The merchant has not allowed this in Google")
VERSION_CONFLICT = ProblemType("version-conflict", 409, "This version is known with another content")
WRONG_STATE = ProblemType("wrong-state", 409, "The state of this does not allow it")
ERASED = ProblemType("erased", 409, "This was erased a short time ago")
NOT_SET_UP = ProblemType("not-set-up", 501, "slotsync is not set up for this")
UNEXPECTED = ProblemType("unexpected", 500, "Something went wrong inside slotsync")
UNAVAILABLE = ProblemType("unavailable", 503, "A part that slotsync needs does not answer")

COMMON_PROBLEMS = (
    INVALID,
    UNREADABLE,
    NO_KEY,
    NOT_PERMITTED,
    TOO_MANY,
    NOT_FOUND,
    TOO_LARGE,
    TOO_SLOW,
    ERASED,
    UNEXPECTED,
    UNAVAILABLE,
)
"""The problems that any route may answer with."""

GOOGLE_PROBLEMS = (NOT_CONNECTED, NOT_GRANTED, NOT_SET_UP)
"""The problems that routes which need a merchant's Google account may answer with, too."""

ALL_PROBLEMS = (*COMMON_PROBLEMS, *GOOGLE_PROBLEMS, VERSION_CONFLICT, WRONG_STATE, NOT_ALLOWED)


class ApiError(SlotsyncError):
    """A request that is answered with a problem document, and these headers."""

    def __init__(self, problem_type: ProblemType, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem_type = problem_type
        self.detail = detail
        self.headers = headers


def problem_response(
    problem_type: ProblemType,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the response that describes this problem."""
    problem = Problem(
        type=f"urn:slotsync:problem:{problem_type.name}",
        title=problem_type.title,
        status=problem_type.status,
        detail=detail,
        request_id=current_request_id(),
        errors=tuple(errors),
    )
    content = problem.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(content, problem_type.status, headers, media_type=MEDIA_TYPE)
