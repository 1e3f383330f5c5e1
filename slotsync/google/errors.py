"""Sort Google's errors by reason into the classes of ``slotsync.errors``.

``BY_REASON`` decides by Google's ``reason``; ``BY_STATUS`` only where there is no reason that we know.

``HttpError.error_details`` holds one of several shapes, and never all of them, so the body is parsed here.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import NamedTuple

from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import HttpError
from httplib2 import HttpLib2Error

from slotsync.domain.connections.refused_grants import remedy_for
from slotsync.domain.retry_delays import OPERATOR_RETRY_DELAY, parse_retry_after
from slotsync.errors import (
    BadRequest,
    Conflict,
    Exists,
    Gone,
    GoogleError,
    GrantLost,
    NotFound,
    PushRefused,
    QuotaExhausted,
    RateLimited,
    Refused,
    ScopeMissing,
    Transient,
)


@dataclass(frozen=True)
class ErrorResponse:
    """Google's answer to a refused call: status, reason, message, and the delay that it asks for.

    ``reason`` is empty if the body is not Google's.
    """

    status: int
    reason: str
    message: str
    delay: timedelta | None


def parse_error_response(error: HttpError, now: datetime | None = None) -> ErrorResponse:
    """Return Google's error answer. ``now`` is the time from which a ``Retry-After`` date counts."""
    envelope = _envelope(error.content)
    return ErrorResponse(
        status=int(error.resp.status),
        reason=_reason(envelope),
        message=str(envelope.get("message", "")),
        delay=parse_retry_after(error.resp.get("retry-after"), now or datetime.now(UTC)),
    )


def _envelope(content: bytes) -> dict[str, object]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return _mapping(body.get("error")) if isinstance(body, dict) else {}


def _reason(envelope: dict[str, object]) -> str:
    first = _first(envelope.get("errors"))
    if first.get("location") == "Authorization":
        return "authError"  # without the header the reason is "required", as for a missing field of an event
    return str(first.get("reason") or _first(envelope.get("details")).get("reason") or envelope.get("status") or "")


def _first(listed: object) -> dict[str, object]:
    return _mapping(listed[0]) if isinstance(listed, list) and listed else {}


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


CLIENT_EXCEPTIONS = (HttpError, GoogleAuthError, HttpLib2Error, HTTPException, OSError)
"""The exceptions that a call of the Google client can raise."""


class ErrorKind(NamedTuple):
    """A class of error with its message (cause and remedy) and, if it needs one, its own retry delay."""

    error: type[GoogleError]
    message: str
    delay: timedelta | None = None


SERVER_ERROR = ErrorKind(Transient, "Google has an internal error; it is tried again")
TOKEN_REFUSED = ErrorKind(Refused, "Google refuses the access token, and new ones, too; it is tried again")
RATE_LIMITED = ErrorKind(RateLimited, "too many calls to Google at once; it continues more slowly")
QUOTA_EXHAUSTED = ErrorKind(QuotaExhausted, "a usage limit of Google is used up; it takes hours to recover")
SCOPE_MISSING = ErrorKind(
    ScopeMissing, "the grant does not cover this call; the merchant must connect again and allow it"
)
API_DISABLED = ErrorKind(
    Transient, "the Google Calendar API is switched off; enable it in the Cloud project", OPERATOR_RETRY_DELAY
)
NOT_FOUND = ErrorKind(NotFound, "Google knows no such thing, or does not show it to this account")
DELETED = ErrorKind(Gone, "it was deleted in Google before")
RESYNC_REQUIRED = ErrorKind(Gone, "Google no longer knows this point in time; read everything again")
ID_TAKEN = ErrorKind(Exists, "the id is taken in Google")
CHANGED = ErrorKind(Conflict, "it was changed in Google since it was read; read it again")
FORBIDDEN = ErrorKind(BadRequest, "Google does not allow this to any caller like us; it is a bug in slotsync")
INVALID_REQUEST = ErrorKind(BadRequest, "Google does not accept the request; it is a bug in slotsync")
NO_WRITE_ACCESS = ErrorKind(
    Refused, "this account may not write to the calendar; right after its creation that passes by itself"
)
NO_CALENDAR_USER = ErrorKind(
    Refused, "this Google account has no Google Calendar; its owner or administrator can turn it on"
)
PUSH_NOT_SUPPORTED = ErrorKind(PushRefused, "Google sends no notifications for this calendar; it is only polled")
PUSH_ADDRESS_REFUSED = ErrorKind(
    Transient,
    "Google sends no notifications to this address; SLOTSYNC_PUBLIC_URL must be https, with a valid certificate",
    OPERATOR_RETRY_DELAY,
)
UNKNOWN_RESPONSE = ErrorKind(Transient, "the answer is not Google's, or not known to slotsync; it is tried again")
UNKNOWN_REASON = ErrorKind(Refused, "Google refuses this for a reason that slotsync does not know; it is tried again")

BY_REASON: dict[str, ErrorKind] = {
    "accessNotConfigured": API_DISABLED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": SCOPE_MISSING,
    "authError": TOKEN_REFUSED,
    "backendError": SERVER_ERROR,
    "badRequest": INVALID_REQUEST,
    "channelIdNotUnique": ID_TAKEN,
    "conditionNotMet": CHANGED,
    "conflict": ErrorKind(Conflict, "two calls conflicted in Google; it is tried again"),
    "dailyLimitExceeded": QUOTA_EXHAUSTED,
    "deleted": DELETED,
    "duplicate": ID_TAKEN,
    "forbidden": NOT_FOUND,
    "forbiddenForNonOrganizer": FORBIDDEN,
    "forbiddenForServiceAccounts": FORBIDDEN,
    "fullSyncRequired": RESYNC_REQUIRED,
    "insufficientPermissions": SCOPE_MISSING,
    "internalError": SERVER_ERROR,
    "invalid": INVALID_REQUEST,
    "notACalendarUser": NO_CALENDAR_USER,
    "notFound": NOT_FOUND,
    "NOT_FOUND": NOT_FOUND,
    "parseError": INVALID_REQUEST,
    "push.webhookUrlNotHttps": PUSH_ADDRESS_REFUSED,
    "push.webhookUrlUnauthorized": PUSH_ADDRESS_REFUSED,
    "pushNotSupportedForRequestedResource": PUSH_NOT_SUPPORTED,
    "quotaExceeded": QUOTA_EXHAUSTED,
    "rateLimitExceeded": RATE_LIMITED,
    "RATE_LIMIT_EXCEEDED": RATE_LIMITED,
    "required": INVALID_REQUEST,
    "requiredAccessLevel": NO_WRITE_ACCESS,
    "RESOURCE_EXHAUSTED": RATE_LIMITED,
    "SERVICE_DISABLED": API_DISABLED,
    "timeRangeEmpty": INVALID_REQUEST,
    "timeRangeTooLong": INVALID_REQUEST,
    "UNAUTHENTICATED": TOKEN_REFUSED,
    "updatedMinTooLongAgo": RESYNC_REQUIRED,
    "userRateLimitExceeded": RATE_LIMITED,
}

# A 403 or 404 without a reason comes from a proxy between Google and us: it must not be taken for a lost calendar.
BY_STATUS: dict[int, ErrorKind] = {
    400: INVALID_REQUEST,
    401: TOKEN_REFUSED,
    409: ID_TAKEN,
    410: DELETED,
    412: CHANGED,
    413: INVALID_REQUEST,
    414: INVALID_REQUEST,
    429: RATE_LIMITED,
}

GRANT_LOST_REASONS = frozenset(
    {
        "access_denied",
        "admin_policy_enforced",
        "invalid_grant",
        "invalid_rapt",
        "org_internal",
        "policy_enforced",
        "rapt_required",
    }
)
"""The token endpoint's reasons for which it refuses a grant. Some are undone by an administrator; with
``policy_enforced`` the account is in Advanced Protection; and stray ``invalid_grant`` is reported."""

OAUTH_CLIENT_REASONS = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"})
"""The token endpoint's reasons that concern our own OAuth client."""


def classify_error(error: Exception) -> GoogleError:
    """Return the error as a ``GoogleError`` with cause and remedy, without data of event, guest or token."""
    if isinstance(error, GoogleError):
        return error
    if isinstance(error, HttpError):
        return _from_response(parse_error_response(error))
    if isinstance(error, RefreshError):
        return _from_refresh(error)
    if isinstance(error, TimeoutError):
        return Transient("Google did not answer in time; it is tried again", reason="timeout")
    return Transient("Google cannot be reached; it is tried again", reason="unreachable")


def _from_response(response: ErrorResponse) -> GoogleError:
    kind = _find_kind(response)
    reason = response.reason or f"http{response.status}"
    delay = response.delay or kind.delay
    return kind.error(
        f"{kind.message} ({response.status} {reason})", reason=reason, status=response.status, delay=delay
    )


def _find_kind(response: ErrorResponse) -> ErrorKind:
    if response.message.startswith("Invalid sequence value"):
        return CHANGED  # its reason is also that of a malformed request
    return BY_REASON.get(response.reason) or BY_STATUS.get(response.status) or _unknown_kind(response)


def _unknown_kind(response: ErrorResponse) -> ErrorKind:
    if response.status >= 500:  # noqa: PLR2004 - the server errors of HTTP
        return SERVER_ERROR
    return UNKNOWN_REASON if response.reason else UNKNOWN_RESPONSE


def _from_refresh(error: RefreshError) -> GoogleError:
    reason = _refresh_reason(error)
    if reason in GRANT_LOST_REASONS:
        return GrantLost(f"Google refuses the grant ({reason}). {remedy_for(reason)}", reason=reason)
    unknown = Transient(f"Google gave no access token; it is tried again ({reason})", reason=reason)
    return oauth_client_error(reason) or unknown


def oauth_client_error(reason: str) -> Transient | None:
    """Return the error if the token endpoint's reason concerns our own OAuth client, else None."""
    if reason not in OAUTH_CLIENT_REASONS:
        return None
    remedy = "check SLOTSYNC_GOOGLE_CLIENT_ID and SLOTSYNC_GOOGLE_CLIENT_SECRET"
    return Transient(f"Google refuses our OAuth client; {remedy} ({reason})", reason=reason, delay=OPERATOR_RETRY_DELAY)


def _refresh_reason(error: RefreshError) -> str:
    body = error.args[1] if len(error.args) > 1 else None
    if not isinstance(body, dict):
        # google-auth drops the body of invalid_rapt and raises an instruction for a person at a terminal.
        return "invalid_rapt" if "Reauthentication is needed" in str(error) else "refresh"
    return str(body.get("error_subtype") or body.get("error") or "refresh")
