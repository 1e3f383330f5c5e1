"""What Google's error answers say, read from their bodies.

``HttpError.error_details`` holds one of several shapes, and never all of them, so the body is read here.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from googleapiclient.errors import HttpError

from slotsync.rules.retry_after import asked_delay


@dataclass(frozen=True)
class Refusal:
    """One refused call: the status, Google's reason, its message, and how long it asks to wait.

    ``reason`` is empty when the body is not Google's.
    """

    status: int
    reason: str
    message: str
    delay: timedelta | None


def read_refusal(error: HttpError, now: datetime | None = None) -> Refusal:
    """What Google answered instead of doing what was asked."""
    envelope = _envelope(error.content)
    return Refusal(
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
