"""Google's errors, classified by reason.

``HttpError.error_details`` holds one of several shapes, and never all of them, so the body is read here.


Google's ``reason`` decides. The status decides only where there is no reason that we know.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import NamedTuple

from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import HttpError
from httplib2 import HttpLib2Error

from slotsync.domain.retry_delays import asked_delay
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
    ScopeMissing,
    Transient,
)


@dataclass(frozen=True)
class ErrorResponse:
    """One refused call: the status, Google's reason, its message, and how long it asks to wait.

    ``reason`` is empty when the body is not Google's.
    """

    status: int
    reason: str
    message: str
    delay: timedelta | None


def read_refusal(error: HttpError, now: datetime | None = None) -> ErrorResponse:
    """What Google answered instead of doing what was asked."""
    envelope = _envelope(error.content)
    return ErrorResponse(
        status=int(error.resp.status),
        reason=_reason(envelope),
        message=str(envelope.get("message", "")),
        delay=asked_delay(error.resp.get("retry-after"), now or datetime.now(UTC)),
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


FAILURES = (HttpError, GoogleAuthError, HttpLib2Error, HTTPException, OSError)
"""Everything that a call of the Google client can fail with."""

OPERATOR_DELAY = timedelta(minutes=5)
"""What an operator has to mend is tried again this often, so that it goes on by itself afterwards."""


class ErrorKind(NamedTuple):
    """A class of error, what happened in plain words, and what mends it."""

    error: type[GoogleError]
    says: str
    delay: timedelta | None = None


BUSY = ErrorKind(Transient, "Google has a problem of its own; it is tried again")
TOKEN_REFUSED = ErrorKind(Transient, "Google refused the access token; it is tried again with a new one")
TOO_FAST = ErrorKind(RateLimited, "too many calls to Google at once; it goes on more slowly")
USED_UP = ErrorKind(QuotaExhausted, "a usage limit of Google is used up; it takes hours to recover")
NO_SCOPE = ErrorKind(ScopeMissing, "the grant does not cover this call; the merchant must connect again and allow it")
API_OFF = ErrorKind(
    Transient, "the Google Calendar API is switched off; enable it in the Cloud project", OPERATOR_DELAY
)
NOT_THERE = ErrorKind(NotFound, "Google knows no such thing, or does not show it to this account")
DELETED = ErrorKind(Gone, "it was deleted in Google before")
RESYNC = ErrorKind(Gone, "Google no longer knows this point in time; read everything again")
TAKEN = ErrorKind(Exists, "the id is taken in Google")
CHANGED = ErrorKind(Conflict, "it was changed in Google since it was read; read it again")
FORBIDDEN = ErrorKind(BadRequest, "Google does not allow this to any caller like us; it is a fault of slotsync")
NOT_UNDERSTOOD = ErrorKind(BadRequest, "Google does not accept the request; it is a fault of slotsync")
NO_ACCESS_YET = ErrorKind(
    Transient, "this account may not write to the calendar, which happens right after its creation"
)
NO_PUSH = ErrorKind(PushRefused, "Google never tells of changes in this calendar; it is only polled")
NO_RECEIVER = ErrorKind(
    Transient,
    "Google sends no push messages to this address; SLOTSYNC_PUBLIC_URL must be https, with a valid certificate",
    OPERATOR_DELAY,
)
UNKNOWN_ANSWER = ErrorKind(Transient, "an answer that is not known from Google; it is tried again")

BY_REASON: dict[str, ErrorKind] = {
    "accessNotConfigured": API_OFF,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": NO_SCOPE,
    "authError": TOKEN_REFUSED,
    "backendError": BUSY,
    "badRequest": NOT_UNDERSTOOD,
    "channelIdNotUnique": TAKEN,
    "conditionNotMet": CHANGED,
    "conflict": ErrorKind(Transient, "two calls met in Google; it is tried again"),
    "dailyLimitExceeded": USED_UP,
    "deleted": DELETED,
    "duplicate": TAKEN,
    "forbidden": NOT_THERE,
    "forbiddenForNonOrganizer": FORBIDDEN,
    "forbiddenForServiceAccounts": FORBIDDEN,
    "fullSyncRequired": RESYNC,
    "insufficientPermissions": NO_SCOPE,
    "internalError": BUSY,
    "invalid": NOT_UNDERSTOOD,
    "notFound": NOT_THERE,
    "NOT_FOUND": NOT_THERE,
    "parseError": NOT_UNDERSTOOD,
    "push.webhookUrlNotHttps": NO_RECEIVER,
    "push.webhookUrlUnauthorized": NO_RECEIVER,
    "pushNotSupportedForRequestedResource": NO_PUSH,
    "quotaExceeded": USED_UP,
    "rateLimitExceeded": TOO_FAST,
    "RATE_LIMIT_EXCEEDED": TOO_FAST,
    "required": NOT_UNDERSTOOD,
    "requiredAccessLevel": NO_ACCESS_YET,
    "RESOURCE_EXHAUSTED": TOO_FAST,
    "SERVICE_DISABLED": API_OFF,
    "timeRangeEmpty": NOT_UNDERSTOOD,
    "timeRangeTooLong": NOT_UNDERSTOOD,
    "UNAUTHENTICATED": TOKEN_REFUSED,
    "updatedMinTooLongAgo": RESYNC,
    "userRateLimitExceeded": TOO_FAST,
}

# A 403 or 404 without a reason comes from something between Google and us: it must not look like a lost calendar.
BY_STATUS: dict[int, ErrorKind] = {
    400: NOT_UNDERSTOOD,
    401: TOKEN_REFUSED,
    409: TAKEN,
    410: DELETED,
    412: CHANGED,
    413: NOT_UNDERSTOOD,
    414: NOT_UNDERSTOOD,
    429: TOO_FAST,
}

GRANT_DEATHS = frozenset(
    {"invalid_grant", "invalid_rapt", "rapt_required", "admin_policy_enforced", "org_internal", "access_denied"}
)

CLIENT_FAULTS = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"})


def classify(error: Exception) -> GoogleError:
    """The error in our own family, with cause and remedy, and nothing of the event, the guest or the token."""
    if isinstance(error, GoogleError):
        return error
    if isinstance(error, HttpError):
        return _of_refusal(read_refusal(error))
    if isinstance(error, RefreshError):
        return _of_refresh(error)
    if isinstance(error, TimeoutError):
        return Transient("Google did not answer in time; it is tried again", reason="timeout")
    return Transient("Google cannot be reached; it is tried again", reason="unreachable")


def _of_refusal(refusal: ErrorResponse) -> GoogleError:
    kind = _kind(refusal)
    reason = refusal.reason or f"http{refusal.status}"
    delay = refusal.delay or kind.delay
    return kind.error(f"{kind.says} ({refusal.status} {reason})", reason=reason, status=refusal.status, delay=delay)


def _kind(refusal: ErrorResponse) -> ErrorKind:
    if refusal.message.startswith("Invalid sequence value"):
        return CHANGED  # its reason is the same as that of a malformed request
    return BY_REASON.get(refusal.reason) or BY_STATUS.get(refusal.status) or _unknown(refusal)


def _unknown(refusal: ErrorResponse) -> ErrorKind:
    return BUSY if refusal.status >= 500 else UNKNOWN_ANSWER  # noqa: PLR2004 - the server errors of HTTP


def _of_refresh(error: RefreshError) -> GoogleError:
    reason = _refresh_reason(error)
    if reason in GRANT_DEATHS:
        return GrantLost(f"Google ended the grant; the merchant must connect again ({reason})", reason=reason)
    unknown = Transient(f"Google gave no access token; it is tried again ({reason})", reason=reason)
    return client_fault(reason) or unknown


def client_fault(reason: str) -> Transient | None:
    """What is wrong with our own OAuth client, if this reason of a token endpoint is about that."""
    if reason not in CLIENT_FAULTS:
        return None
    remedy = "check SLOTSYNC_GOOGLE_CLIENT_ID and SLOTSYNC_GOOGLE_CLIENT_SECRET"
    return Transient(f"Google refuses our OAuth client; {remedy} ({reason})", reason=reason, delay=OPERATOR_DELAY)


def _refresh_reason(error: RefreshError) -> str:
    body = error.args[1] if len(error.args) > 1 else None
    if not isinstance(body, dict):
        # google-auth drops the body of invalid_rapt and tells a person at a terminal what to do.
        return "invalid_rapt" if "Reauthentication is needed" in str(error) else "refresh"
    return str(body.get("error_subtype") or body.get("error") or "refresh")
