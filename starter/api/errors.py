"""Errors as problem documents."""

import logging
import traceback
from collections.abc import Sequence
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.service import RPCError, RPCStatusCode

from slotsync.errors import GoogleError, GrantLost, InputError, NotTaken, ScopeMissing, SettingsError
from starter.api.problems import (
    INVALID,
    KINDS,
    NOT_ALLOWED,
    NOT_CONNECTED,
    NOT_FOUND,
    NOT_GRANTED,
    NOT_SET_UP,
    TOO_LARGE,
    UNAVAILABLE,
    UNEXPECTED,
    UNREADABLE,
    ApiError,
    FieldProblem,
    current_request,
    problem_response,
)

LONGEST_FIELD = 200

_REMEDIES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: remove it, or check its spelling",
    "string_pattern_mismatch": (
        "is empty or has a character that is not allowed (spaces, colons, slashes, double quotes, controls)"
    ),
    "model_attributes_type": "is not a JSON object; send one, with the header Content-Type: application/json",
}


def field_problems(error: RequestValidationError) -> list[FieldProblem]:
    """Each field that is wrong, with a remedy."""
    return [_field_problem(detail) for detail in cast("Sequence[ErrorDetails]", error.errors())]


def why_unreadable(error: RequestValidationError) -> str | None:
    """Where the body stops being JSON; nothing when it is JSON."""
    for detail in cast("Sequence[ErrorDetails]", error.errors()):
        if detail["type"] == "json_invalid":
            why = detail.get("ctx", {}).get("error", "it cannot be read")
            return f"The body is not JSON: {why}, at character {detail['loc'][-1]}."
    return None


def _field_problem(detail: ErrorDetails) -> FieldProblem:
    place, *way = detail["loc"]
    words = _REMEDIES.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    return FieldProblem(place=str(place), field=_name(way), detail=words)


def _name(way: Sequence[int | str]) -> str:
    return ".".join(map(str, way))[:LONGEST_FIELD]


logger = logging.getLogger(__name__)

RETRY_AFTER: Final = {"Retry-After": "5"}

_PASSING = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED)

_DETAILS = {
    UNREADABLE: "The body is not JSON that can be read.",
    NOT_FOUND: "Nothing is served at this address; the addresses are listed at /docs.",
    NOT_ALLOWED: "The header Allow of this answer names the methods that this address takes.",
    TOO_LARGE: "A body may have at most 256 kB.",
}
_KIND_OF_STATUS = {kind.status: kind for kind in KINDS}


def answer_errors(app: FastAPI) -> None:
    """Has the application answer its errors with problem documents."""
    app.exception_handler(ApiError)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(NotTaken)(_not_taken)
    app.exception_handler(InputError)(_wrong_input)
    app.exception_handler(SettingsError)(_not_set_up)
    app.exception_handler(GoogleError)(_google_error)
    app.exception_handler(RPCError)(_temporal_error)
    app.exception_handler(OperationalError)(_database_error)
    app.exception_handler(InterfaceError)(_database_error)


class UnexpectedErrors:
    """Answers whatever nobody foresaw, and logs where it happened without what the request or the error says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  the last place that can answer
            _log(error)
            await problem_response(UNEXPECTED, "Tell the operator the request_id.")(scope, receive, send)


async def _refused(_: Request, error: ApiError) -> Response:
    return problem_response(error.kind, error.detail)


async def _invalid(_: Request, error: RequestValidationError) -> Response:
    if unreadable := why_unreadable(error):
        return problem_response(UNREADABLE, unreadable)
    return problem_response(INVALID, "Each field that is wrong is in errors.", field_problems(error))


async def _http_error(_: Request, error: HTTPException) -> Response:
    kind = _KIND_OF_STATUS.get(error.status_code, UNREADABLE)
    return problem_response(kind, _DETAILS.get(kind, kind.title), headers=error.headers)


async def _not_taken(_: Request, error: NotTaken) -> Response:
    logger.warning("%s %s", current_request(), error)
    return problem_response(UNAVAILABLE, str(error), headers=RETRY_AFTER)


async def _wrong_input(_: Request, error: InputError) -> Response:
    return problem_response(INVALID, str(error))


async def _not_set_up(_: Request, error: SettingsError) -> Response:
    logger.error("%s %s", current_request(), error)
    return problem_response(NOT_SET_UP, f"The operator has to set this first: {error}")


async def _google_error(_: Request, error: GoogleError) -> Response:
    logger.warning("%s Google: %s", current_request(), error.reason)
    if isinstance(error, GrantLost):
        return problem_response(NOT_CONNECTED, "Send the merchant to the settings page, to connect Google (again).")
    if isinstance(error, ScopeMissing):
        return problem_response(NOT_GRANTED, "Send the merchant to the settings page, to connect again and allow it.")
    return problem_response(UNAVAILABLE, "Google does not answer; try again.", headers=RETRY_AFTER)


async def _temporal_error(_: Request, error: RPCError) -> Response:
    if error.status not in _PASSING:
        raise error
    logger.warning("%s Temporal does not answer: %s", current_request(), error.status.name)
    return problem_response(UNAVAILABLE, "Temporal does not answer; try again.", headers=RETRY_AFTER)


async def _database_error(_: Request, error: OperationalError | InterfaceError) -> Response:
    logger.warning("%s the database does not answer: %s", current_request(), type(error.orig).__name__)
    return problem_response(UNAVAILABLE, "The database does not answer; try again.", headers=RETRY_AFTER)


def _log(error: Exception) -> None:
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed: %s\n%s", current_request(), type(error).__name__, where)
