"""How long a server asks to be left alone: the header ``Retry-After``. Pure."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def asked_delay(header: str | None, now: datetime) -> timedelta | None:
    """The wait that the header asks for, as seconds or as a date; nothing when it asks for none, or cannot be read."""
    if not header:
        return None
    try:
        return timedelta(seconds=int(header)) if header.isdecimal() else max(_date(header) - now, timedelta())
    except (ValueError, OverflowError):
        return None


def _date(header: str) -> datetime:
    moment = parsedate_to_datetime(header)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
