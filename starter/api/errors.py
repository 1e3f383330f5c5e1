"""The translation of errors into problem documents."""

import logging
import traceback
from collections.abc import Sequence
from datetime import timedelta
from math import ceil
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.service import RPCError, RPCStatusCode

from slotsync.errors import (
    CallLimitReached,
    Erased,
    GoogleError,
    GrantLost,
    InputError,
    NotTaken,
    ScopeMissing,
    SettingsError,
    TooManyQuestions,
    Undecryptable,
    VersionConflict,
    WrongState,
)
from starter.api.problems import (
    ALL_PROBLEMS,
    ERASED,
    INVALID,
    NOT_ALLOWED,
    NOT_CONNECTED,
    NOT_FOUND,
    NOT_GRANTED,
    NOT_SET_UP,
    TOO_MANY,
    UNAVAILABLE,
    UNEXPECTED,
    UNREADABLE,
    VERSION_CONFLICT,
    WRONG_STATE,
    ApiError,
    FieldProblem,
    current_request_id,
    problem_response,
)

logger = logging.getLogger(__name__)

MAX_FIELD_PATH_LENGTH = 200

_REMEDY_BY_ERROR = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: remove it, or check its spelling",
    "string_pattern_mismatch": (
        "is empty or has a character that is not allowed (spaces, colons, slashes, double quotes, controls)"
    ),
    "model_attributes_type": "is not a JSON object; send one, with the header Content-Type: application/json",
}


def retry_after(delay: timedelta) -> dict[str, str]:
    """Return the header that says after how many seconds to try again."""
    return {"Retry-After": str(ceil(delay.total_seconds()))}


RETRY_AFTER_HEADERS: Final = retry_after(timedelta(seconds=5))

_TRANSIENT = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,  # the SDK's own timeout
    RPCStatusCode.RESOURCE_EXHAUSTED,
)

_DETAIL_BY_PROBLEM = {
    UNREADABLE: "The body is not JSON that can be read.",
    NOT_FOUND: "Nothing is served at this address; the addresses are listed at /docs.",
    NOT_ALLOWED: "The header Allow of this answer names the methods that this address takes.",
}
_PROBLEM_BY_STATUS = {each.status: each for each in ALL_PROBLEMS}


def register_error_handlers(app: FastAPI) -> None:
    """Make the application answer its errors with problem documents."""
    app.exception_handler(ApiError)(_answer_api_error)
    app.exception_handler(RequestValidationError)(_answer_validation_error)
    app.exception_handler(HTTPException)(_answer_http_exception)
    app.exception_handler(NotTaken)(_answer_not_taken)
    app.exception_handler(TooManyQuestions)(_answer_too_many_questions)
    app.exception_handler(VersionConflict)(_answer_version_conflict)
    app.exception_handler(WrongState)(_answer_wrong_state)
    app.exception_handler(Erased)(_answer_erased)
    app.exception_handler(InputError)(_answer_input_error)
    app.exception_handler(SettingsError)(_answer_settings_error)
    app.exception_handler(Undecryptable)(_answer_undecryptable)
    app.exception_handler(GoogleError)(_answer_google_error)
    app.exception_handler(RPCError)(_answer_temporal_error)
    app.exception_handler(DataError)(_answer_data_error)
    app.exception_handler(OperationalError)(_answer_database_error)
    app.exception_handler(InterfaceError)(_answer_database_error)
    app.exception_handler(NoFreeConnection)(_answer_database_error)


class UnexpectedErrors:
    """Middleware that answers unexpected errors. Its log line says where; it repeats no text of request or error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer an exception with status 500."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  the last place that can answer
            _log_place(error)
            await problem_response(UNEXPECTED, "Tell the operator the request_id.")(scope, receive, send)


async def _answer_api_error(_: Request, error: ApiError) -> Response:
    return problem_response(error.problem_type, error.detail, headers=error.headers)


async def _answer_validation_error(_: Request, error: RequestValidationError) -> Response:
    if unreadable := describe_unreadable_body(error):
        return problem_response(UNREADABLE, unreadable)
    return problem_response(INVALID, "Each field that is wrong is in errors.", list_field_problems(error))


async def _answer_http_exception(_: Request, error: HTTPException) -> Response:
    problem_type = _PROBLEM_BY_STATUS.get(error.status_code, UNREADABLE)
    return problem_response(
        problem_type, _DETAIL_BY_PROBLEM.get(problem_type, problem_type.title), headers=error.headers
    )


async def _answer_not_taken(_: Request, error: NotTaken) -> Response:
    logger.warning("%s %s", current_request_id(), error)
    return problem_response(UNAVAILABLE, str(error), headers=RETRY_AFTER_HEADERS)


async def _answer_too_many_questions(_: Request, error: TooManyQuestions) -> Response:
    return problem_response(TOO_MANY, str(error), headers=retry_after(error.delay))


async def _answer_version_conflict(_: Request, error: VersionConflict) -> Response:
    return problem_response(VERSION_CONFLICT, str(error))


async def _answer_wrong_state(_: Request, error: WrongState) -> Response:
    return problem_response(WRONG_STATE, str(error))


async def _answer_erased(_: Request, error: Erased) -> Response:
    return problem_response(ERASED, str(error))


async def _answer_input_error(_: Request, error: InputError) -> Response:
    return problem_response(INVALID, str(error))


async def _answer_settings_error(_: Request, error: SettingsError) -> Response:
    logger.error("%s %s", current_request_id(), error)
    return problem_response(NOT_SET_UP, f"The operator has to set this first: {error}")


async def _answer_undecryptable(_: Request, error: Undecryptable) -> Response:
    logger.error("%s %s", current_request_id(), error)
    detail = "A stored secret cannot be decrypted; slotsync keys status tells the operator which key is missing."
    return problem_response(UNAVAILABLE, detail, headers=RETRY_AFTER_HEADERS)


async def _answer_google_error(_: Request, error: GoogleError) -> Response:
    logger.warning("%s Google: %s", current_request_id(), error.reason)
    if isinstance(error, GrantLost):
        return problem_response(NOT_CONNECTED, "Send the merchant to the settings page, to connect Google (again).")
    if isinstance(error, ScopeMissing):
        return problem_response(NOT_GRANTED, "Send the merchant to the settings page, to connect again and allow it.")
    if isinstance(error, CallLimitReached) and error.delay:
        detail = "Too much was asked of the merchant's Google account just now; try again."
        return problem_response(UNAVAILABLE, detail, headers=retry_after(error.delay))
    return problem_response(UNAVAILABLE, "Google does not answer; try again.", headers=RETRY_AFTER_HEADERS)


async def _answer_temporal_error(_: Request, error: RPCError) -> Response:
    if error.status not in _TRANSIENT:
        raise error
    logger.warning("%s Temporal does not answer: %s", current_request_id(), error.status.name)
    return problem_response(UNAVAILABLE, "Temporal does not answer; try again.", headers=RETRY_AFTER_HEADERS)


async def _answer_database_error(_: Request, error: OperationalError | InterfaceError | NoFreeConnection) -> Response:
    cause = error if isinstance(error, NoFreeConnection) else error.orig
    logger.warning("%s the database does not answer: %s", current_request_id(), type(cause).__name__)
    return problem_response(UNAVAILABLE, "The database does not answer; try again.", headers=RETRY_AFTER_HEADERS)


async def _answer_data_error(_: Request, error: DataError) -> Response:
    _log_place(error)
    return problem_response(INVALID, "A text or a number cannot be stored as it is.")


def _log_place(error: Exception) -> None:
    place = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed: %s\n%s", current_request_id(), type(error).__name__, place)


def list_field_problems(error: RequestValidationError) -> list[FieldProblem]:
    """Return each invalid field, with a remedy."""
    return [_field_problem(detail) for detail in cast("Sequence[ErrorDetails]", error.errors())]


def describe_unreadable_body(error: RequestValidationError) -> str | None:
    """Return a text that says where the body stops being JSON, or None if it is JSON."""
    for detail in cast("Sequence[ErrorDetails]", error.errors()):
        if detail["type"] == "json_invalid":
            reason = detail.get("ctx", {}).get("error", "it cannot be read")
            return f"The body is not JSON: {reason}, at character {detail['loc'][-1]}."
    return None


def _field_problem(detail: ErrorDetails) -> FieldProblem:
    place, *path = detail["loc"]
    remedy = _REMEDY_BY_ERROR.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    return FieldProblem(place=str(place), field=_join_path(path), detail=remedy)


def _join_path(path: Sequence[int | str]) -> str:
    text = ".".join(map(str, path))[:MAX_FIELD_PATH_LENGTH]
    return text.encode(errors="replace").decode()  # JSON may name half of a surrogate pair, which UTF-8 has not
