"""Retry delays: how long to wait before the next try, by the error or the obstacle, or as a server asks.

Activities that fail with a transient error are retried by Temporal itself, ever more slowly; the delays here are for
what is left to a workflow, the poller or a person, and for servers that name a delay.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

DEFAULT_RETRY_DELAY: Final = timedelta(minutes=5)

QUOTA_RETRY_DELAY: Final = timedelta(hours=1)

CALENDAR_MISSING_RETRY_DELAY: Final = timedelta(seconds=1)
"""Short, since the next round finds out what has become of the calendar."""

PARKED_RETRY_DELAY: Final = timedelta(hours=6)
"""For work that waits for a person, who normally resumes it earlier."""

REFUSED_RETRY_DELAY: Final = timedelta(hours=1)
"""For what Google has refused several times within minutes: less than 20 calls an hour."""

REFUSED_ATTEMPT_DELAYS: Final = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""For the first attempts of what Google refuses: a refusal may be a stray one."""

MAX_REFUSED_CALLS: Final = 19
"""The calls to Google of all attempts in an hour at what it refuses."""

OPERATOR_RETRY_DELAY: Final = timedelta(minutes=5)
"""For a fault that only an operator can repair, such as a wrong setting; then the work continues by itself."""

ENDED_BY_OPERATOR_DELAY: Final = timedelta(seconds=10)
"""For what an operator has ended that has to go on."""

CALENDAR_RECHECK_DELAY: Final = timedelta(minutes=15)
"""For work that waits for a managed calendar, in case the signal that it was created is lost."""

TAKE_UP_MARGIN: Final = timedelta(minutes=5)
"""The time after which the sweep takes up what a workflow should have looked at."""

MAX_CLOCK_DIFFERENCE: Final = timedelta(minutes=1)
"""By how much the clocks of two processes may differ."""

MAX_PERMIT_RECHECK_DELAY: Final = timedelta(minutes=15)
"""The longest wait of a calendar in the queue before its position is computed again."""

MIN_READING_RETRY_DELAY: Final = timedelta(seconds=5)
READING_RETRY_DIVISOR: Final = 4
"""A failed reading is repeated after the time for which it has been failing, divided by this."""

REFUSALS: Final = ("BadRequest", "Conflict", "Exists", "Gone", "NotFound", "Refused")
"""The classes of errors that Google may go on to answer: tried a few times, then every hour."""

_BY_ERROR: Final[Mapping[str, timedelta]] = {
    "QuotaExhausted": QUOTA_RETRY_DELAY,
    "GrantLost": PARKED_RETRY_DELAY,
    "ScopeMissing": PARKED_RETRY_DELAY,
    "CalendarMissing": CALENDAR_MISSING_RETRY_DELAY,
    **dict.fromkeys(REFUSALS, REFUSED_RETRY_DELAY),
}


def retry_delay(error_type: str) -> timedelta:
    """Return the delay after an error of this class (see ``slotsync.errors``): nothing is ever given up."""
    return _BY_ERROR.get(error_type, DEFAULT_RETRY_DELAY)


def refused_attempt_delay(attempt: int, calls: int) -> timedelta | None:
    """Return the delay after this attempt at what Google refuses, or None if it was the last for now.

    ``calls`` is the number of calls to Google that it took: the more, the fewer attempts.
    """
    last = attempt > len(REFUSED_ATTEMPT_DELAYS) or (attempt + 1) * calls > MAX_REFUSED_CALLS
    return None if last else REFUSED_ATTEMPT_DELAYS[attempt - 1]


def reading_retry_delay(failing_for: timedelta, max_delay: timedelta) -> timedelta:
    """Return the delay before a calendar is read again that has been failing for this time: ever longer."""
    return min(max(failing_for / READING_RETRY_DIVISOR, MIN_READING_RETRY_DELAY), max_delay)


def parse_retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return the delay in a ``Retry-After`` header, given as seconds or as a date.

    None if there is no header, or it cannot be read.
    """
    if not header:
        return None
    try:
        return timedelta(seconds=int(header)) if header.isdecimal() else max(_parse_date(header) - now, timedelta())
    except (ValueError, OverflowError):
        return None


def _parse_date(header: str) -> datetime:
    moment = parsedate_to_datetime(header)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
