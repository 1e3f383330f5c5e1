"""The one family of errors.

SlotsyncError
├── SettingsError        a setting is missing or cannot be read
├── InputError           what a caller sent cannot be understood; names the field and the remedy
├── NotTaken             Temporal did not take a report in time: whether it arrived is not known; repeat it
└── GoogleError          Google did not do what was asked; classified by its ``reason``
    ├── Transient        will heal by itself: try again, after ``delay`` where Google named one
    ├── RateLimited      too fast: slow down for seconds or minutes
    ├── QuotaExhausted   a usage limit that takes hours to recover
    ├── Gone             the thing was deleted before
    ├── Exists           the id is taken, by a living or a deleted thing
    ├── Conflict         it changed since it was last read
    ├── NotFound         no such thing, or no access to it
    ├── GrantLost        the merchant's grant is dead: only the merchant can mend it
    ├── ScopeMissing     the grant does not cover this call: only the merchant can mend it
    ├── CalendarMissing  the calendar is deleted or no longer ours
    ├── PushRefused      Google will never tell of changes in this calendar: its busy times have to be polled
    └── BadRequest       a fault of ours: the same request will fail for ever
"""

from datetime import timedelta


class SlotsyncError(Exception):
    """Anything that slotsync raises on purpose."""


class SettingsError(SlotsyncError):
    """A setting is missing or cannot be read."""


class InputError(SlotsyncError):
    """What a caller sent cannot be understood."""


class NotTaken(SlotsyncError):
    """Temporal did not take a report in time. Whether it arrived is not known; repeating it is safe."""


class GoogleError(SlotsyncError):
    """Google did not do what was asked. Never carries event text, a name or a token."""

    def __init__(self, message: str, *, reason: str, status: int | None = None, delay: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.delay = delay


class Transient(GoogleError):
    """It will heal by itself."""


class RateLimited(GoogleError):
    """Calls come too fast."""


class QuotaExhausted(GoogleError):
    """A usage limit is used up and takes hours to recover."""


class Gone(GoogleError):
    """The thing was deleted before."""


class Exists(GoogleError):
    """The id is taken, by a living or a deleted thing."""


class Conflict(GoogleError):
    """The thing changed since it was last read."""


class NotFound(GoogleError):
    """There is no such thing, or no access to it."""


class GrantLost(GoogleError):
    """The merchant's grant is dead."""


class ScopeMissing(GoogleError):
    """The grant does not cover this call."""


class CalendarMissing(GoogleError):
    """The calendar is deleted or no longer ours."""


class PushRefused(GoogleError):
    """Google will never tell of changes in this calendar."""


class BadRequest(GoogleError):
    """A fault of ours: the same request will fail for ever."""
