"""How long to wait before the next try: by the error, or as a server asks."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from slotsync.domain.health import Blocker, Health

_BY_FAILURE = {
    "QuotaExhausted": (Health.RETRYING, timedelta(hours=1)),
    "GrantLost": (Health.PARKED, timedelta(hours=6)),
    "ScopeMissing": (Health.PARKED, timedelta(hours=6)),
    "CalendarMissing": (Health.WAITING, timedelta(seconds=1)),
    "BadRequest": (Health.FAILED, timedelta(hours=6)),
}
_STILL_TRYING = (Health.RETRYING, timedelta(minutes=5))


def blocker_for_error(failure: str, reason: str) -> Blocker:
    """What to do about an error of this class (see ``slotsync.errors``): nothing is ever given up."""
    health, look_again = _BY_FAILURE.get(failure, _STILL_TRYING)
    return Blocker(health=health, reason=reason, look_again=look_again)


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
