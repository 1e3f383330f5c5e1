"""The default clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, timezone-aware and in UTC."""
    return datetime.now(UTC)
