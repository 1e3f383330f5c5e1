"""The errors that slotsync raises on purpose.

SlotsyncError
├── SettingsError        a setting is missing or cannot be read
├── InputError           the input of a caller is invalid; names the field and the remedy
│   ├── UnknownSubject   it names a merchant, product or reservation that is not known
│   └── MerchantsChoice  the merchant has chosen otherwise; only an override changes that
├── NotTaken             a report is stored, but Temporal did not accept its signal in time; repeat it
├── TooManyQuestions     too many questions about a product or a merchant wait for answers; ask again soon
├── MailNotTaken         a mail server has not taken an e-mail
├── VersionConflict      a version is known already, with another content
├── WrongState           something is not in a state in which this can be done
├── RotationRefused      keys cannot be rotated yet: a process would not be able to read the result
├── Undecryptable        a stored secret does not open: its key is missing, or it is damaged
├── Erased               the merchant or the reservation is being erased: nothing of it is taken for three hours
├── ErasureHeldUp        an erasure waits for Google or a worker; run it again
└── GoogleError          Google did not carry out a call; classified by ``reason`` (slotsync.google.errors)
    ├── Transient        passes by itself: try again, after ``delay`` if Google named one
    ├── RateLimited      too fast: slow down for seconds or minutes
    │   └── CallLimitReached  Google was not asked: the API has used up its share of the quota
    ├── QuotaExhausted   a usage limit that takes hours to recover
    ├── Gone             the object is deleted already
    ├── Exists           the id is taken, by an existing or a deleted object
    ├── Conflict         the object changed since it was last read
    ├── NotFound         no such object, or no access to it
    ├── GrantLost        Google refuses the grant: the merchant, or an administrator, must restore it
    ├── ScopeMissing     the grant does not cover this call: only the merchant can extend it
    ├── CalendarMissing  the calendar is deleted or no longer ours
    ├── Refused          Google refuses this call, for a reason that may last: tried a few times, then shown
    │   └── CalendarReadOnly  the calendar is there, but this account may not write to it, or not see all of it
    ├── PushRefused      Google sends no notifications for this calendar: its busy times have to be polled
    └── BadRequest       a bug in slotsync: the same request will always fail
"""

from datetime import datetime, timedelta


class SlotsyncError(Exception):
    """The base class of all errors that slotsync raises on purpose."""


class SettingsError(SlotsyncError):
    """A setting is missing or cannot be read."""


class InputError(SlotsyncError):
    """The input of a caller is invalid."""


class MerchantsChoice(InputError):
    """The merchant has chosen otherwise."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject}: the merchant has switched this itself; override that only if you have to")


class UnknownSubject(InputError):
    """The input names a merchant, a product, a resource or a reservation that is not known."""


class NotTaken(SlotsyncError):
    """A report is stored, but Temporal did not accept its signal in time. Repeating the report is safe."""


class TooManyQuestions(SlotsyncError):
    """Too many questions about one product, or one merchant, wait for Google's answer. Ask again after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__("Too many questions about this product or merchant wait for Google's answer; ask again soon.")
        self.delay = delay


class VersionConflict(SlotsyncError):
    """A version was reported before, with another content; nothing was changed."""


class WrongState(SlotsyncError):
    """Something is not in a state in which this can be done; nothing was changed."""


class RotationRefused(SlotsyncError):
    """The keys cannot be rotated yet: a process that runs would not be able to read what they encrypt."""


class Undecryptable(SlotsyncError):
    """A stored secret does not open: its key is not in the ring any more, or it is damaged."""


class MailNotTaken(SlotsyncError):
    """A mail server has not taken an e-mail. ``lasting``: it has refused it, and will again."""

    def __init__(self, answer: str, *, lasting: bool) -> None:
        super().__init__(f"the mail server did not take it ({answer})")
        self.answer = answer
        self.lasting = lasting


class Erased(SlotsyncError):
    """The merchant or the reservation is being erased, or was lately: nothing of it is stored before ``until``."""

    def __init__(self, subject: str, until: datetime) -> None:
        super().__init__(f"{subject} is being erased; it can be used again after {until:%Y-%m-%d %H:%M} UTC")


class ErasureHeldUp(SlotsyncError):
    """An erasure waits for what has to be done in Google first; its rows and workflows are not deleted yet.

    By then a merchant may be disconnected, with all that a disconnection forgets, and what was said of the guest of a
    reservation is deleted.
    """


class GoogleError(SlotsyncError):
    """Google did not carry out a call. Never contains event text, a name or a token."""

    def __init__(self, message: str, *, reason: str, status: int | None = None, delay: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.delay = delay


class Transient(GoogleError):
    """The failure passes by itself."""


class RateLimited(GoogleError):
    """Calls come too fast."""


class CallLimitReached(RateLimited):
    """The connection has used up what the API may ask Google; Google was not asked. ``delay`` is when it may again."""


class QuotaExhausted(GoogleError):
    """A usage limit is used up and takes hours to recover."""


class Gone(GoogleError):
    """The object is deleted already."""


class Exists(GoogleError):
    """The id is taken, by an existing or a deleted object."""


class Conflict(GoogleError):
    """The object changed since it was last read."""


class NotFound(GoogleError):
    """There is no such object, or no access to it."""


class GrantLost(GoogleError):
    """The merchant's grant is lost."""


class ScopeMissing(GoogleError):
    """The grant does not cover this call."""


class CalendarMissing(GoogleError):
    """The calendar is deleted or no longer ours."""


class Refused(GoogleError):
    """Google refuses this call for a reason that may last, though nothing known is wrong with it."""


class CalendarReadOnly(Refused):
    """The calendar is there, but this account may not write to it, or not see all of its events."""


class PushRefused(GoogleError):
    """Google sends no notifications of changes in this calendar."""


class BadRequest(GoogleError):
    """A bug in slotsync: the same request will always fail."""
