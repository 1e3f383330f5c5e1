"""Errors in Google's JSON, and all reasons that Google answers with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from localgoogle.protocol.json_values import JsonObject

BEARER_CHALLENGE = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
"""The header ``WWW-Authenticate`` of answers with status 401."""


@dataclass
class CalendarApiError(Exception):
    """An error as answer. Its code and message are those of its first entry; ``further`` holds the other entries.

    ``extra`` holds the fields that only Google's front end adds: ``status`` and ``details``.
    """

    status: int
    reason: str
    message: str
    domain: str = "global"
    location_type: str | None = None
    location: str | None = None
    extra: JsonObject = field(default_factory=dict)
    further: tuple["CalendarApiError", ...] = ()

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}"

    def body(self) -> JsonObject:
        """Return the error as Google's JSON."""
        entries = [error.entry() for error in (self, *self.further)]
        return {"error": {"errors": entries, "code": self.status, "message": self.message, **self.extra}}

    def entry(self) -> JsonObject:
        """Return the error as one entry of ``errors``."""
        entry: JsonObject = {"domain": self.domain, "reason": self.reason, "message": self.message}
        return entry | ({"locationType": self.location_type, "location": self.location} if self.location else {})

    def encoded(self) -> bytes:
        """Return the JSON as bytes; Google indents errors by one space."""
        return json.dumps(self.body(), indent=1).encode()


def required(message: str) -> CalendarApiError:
    """Return the error for a request that lacks something."""
    return CalendarApiError(400, "required", message)


def invalid(message: str, parameter: str | None = None) -> CalendarApiError:
    """Return the error for a value that is not valid; ``parameter`` names it if it is in the query or the path."""
    return CalendarApiError(
        400, "invalid", message, location_type="parameter" if parameter else None, location=parameter
    )


def not_found() -> CalendarApiError:
    """Return the error for a resource that does not exist or is out of reach: Google does not say which."""
    return known_error("notFound")


@dataclass(frozen=True)
class _ErrorShape:
    status: int
    message: str
    domain: str = "global"
    location_type: str | None = None
    location: str | None = None
    google_status: str | None = None


_USAGE = "usageLimits"
_SHAPES: dict[str, _ErrorShape] = {
    "badRequest": _ErrorShape(400, "Bad Request"),
    "invalid": _ErrorShape(400, "Invalid Value"),
    "required": _ErrorShape(400, "Required"),
    "parseError": _ErrorShape(400, "Parse Error"),
    "timeRangeEmpty": _ErrorShape(400, "The specified time range is empty.", "calendar", "parameter", "timeMax"),
    "timeRangeTooLong": _ErrorShape(400, "The requested time range is too long.", "calendar", "parameter", "timeMax"),
    "channelIdNotUnique": _ErrorShape(400, "Channel id not unique"),
    "push.webhookUrlNotHttps": _ErrorShape(400, "WebHook callback must be HTTPS"),
    "push.webhookUrlUnauthorized": _ErrorShape(401, "Unauthorized WebHook callback channel"),
    "pushNotSupportedForRequestedResource": _ErrorShape(
        400, "Push notifications are not supported by this resource.", "calendar"
    ),
    "authError": _ErrorShape(401, "Invalid Credentials", "global", "header", "Authorization", "UNAUTHENTICATED"),
    "userRateLimitExceeded": _ErrorShape(403, "User Rate Limit Exceeded", _USAGE),
    "rateLimitExceeded": _ErrorShape(403, "Rate Limit Exceeded", _USAGE),
    "quotaExceeded": _ErrorShape(403, "Calendar usage limits exceeded.", _USAGE),
    "accessNotConfigured": _ErrorShape(
        403,
        "Google Calendar API has not been used in project before or it is disabled.",
        _USAGE,
        google_status="PERMISSION_DENIED",
    ),
    "insufficientPermissions": _ErrorShape(
        403, "Request had insufficient authentication scopes.", google_status="PERMISSION_DENIED"
    ),
    "forbidden": _ErrorShape(403, "Forbidden"),
    "forbiddenForNonOrganizer": _ErrorShape(403, "Shared properties can only be changed by the organizer.", "calendar"),
    "forbiddenForServiceAccounts": _ErrorShape(
        403, "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.", "calendar"
    ),
    "notACalendarUser": _ErrorShape(403, "The user must be signed up for Google Calendar.", "calendar"),
    "requiredAccessLevel": _ErrorShape(403, "You need to have writer access to this calendar.", "calendar"),
    "notFound": _ErrorShape(404, "Not Found"),
    "duplicate": _ErrorShape(409, "The requested identifier already exists."),
    "conflict": _ErrorShape(409, "Conflict"),
    "deleted": _ErrorShape(410, "Resource has been deleted"),
    "fullSyncRequired": _ErrorShape(
        410, "Sync token is no longer valid, a full sync is required.", "calendar", "parameter", "syncToken"
    ),
    "updatedMinTooLongAgo": _ErrorShape(
        410, "The requested minimum modification time lies too far in the past.", "calendar", "parameter", "updatedMin"
    ),
    "conditionNotMet": _ErrorShape(412, "Precondition Failed", "global", "header", "If-Match"),
    "backendError": _ErrorShape(500, "Backend Error"),
    "internalError": _ErrorShape(500, "Internal Error"),
}
KNOWN_REASONS = frozenset(_SHAPES)
_DETAILS = {"accessNotConfigured": "SERVICE_DISABLED", "insufficientPermissions": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}


def known_error(reason: str, status: int | None = None, method: str = "") -> CalendarApiError:
    """Return Google's error for this reason; ``status`` chooses one of several that Google uses.

    Raises:
        KeyError: ``reason`` is not one of KNOWN_REASONS.
    """
    shape = _SHAPES[reason]
    extra: JsonObject = {"status": shape.google_status} if shape.google_status else {}
    if reason in _DETAILS:
        extra["details"] = [_details(_DETAILS[reason], method)]
    code = status or shape.status
    return CalendarApiError(code, reason, shape.message, shape.domain, shape.location_type, shape.location, extra)


def first_with_further(errors: Sequence[CalendarApiError]) -> CalendarApiError:
    """Return the first error, with all others as its further entries."""
    first, *others = errors
    return replace(first, further=tuple(others))


def login_required() -> CalendarApiError:
    """Return the error for a request without a token."""
    error = known_error("authError")
    error.reason, error.message = "required", "Login Required."
    return error


def _details(reason: str, method: str) -> JsonObject:
    metadata: JsonObject = {"service": "calendar-json.googleapis.com"}
    if method:
        resource, _, verb = method.partition(".")
        metadata["method"] = f"calendar.v3.{resource[:1].upper()}{resource[1:]}.{verb[:1].upper()}{verb[1:]}"
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    }
