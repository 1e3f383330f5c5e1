"""Raise Google's errors as Temporal's ApplicationError."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from slotsync.domain.retry_delays import REFUSED_ATTEMPT_DELAYS
from slotsync.errors import BadRequest, Conflict, Exists, GoogleError, RateLimited, Refused, Transient

_RETRIED_BY_TEMPORAL = (Transient, RateLimited, Exists, Conflict)
_RETRIED_A_FEW_TIMES = (BadRequest, Refused)


@contextmanager
def google_errors_as_application_errors() -> Iterator[None]:
    """Raise Google's errors as ``ApplicationError``: the class is its ``type``, Google's reason its first detail.

    Errors that pass in seconds or minutes are retried by Temporal, refusals a few times; the others go to the workflow,
    which knows how to wait.
    """
    try:
        yield
    except GoogleError as error:
        delay = _refused_delay() if isinstance(error, _RETRIED_A_FEW_TIMES) else error.delay
        retried = isinstance(error, _RETRIED_BY_TEMPORAL) or (isinstance(error, _RETRIED_A_FEW_TIMES) and delay)
        raise ApplicationError(
            str(error),
            error.reason,
            type=type(error).__name__,
            non_retryable=not retried,
            next_retry_delay=delay,
        ) from None


def _refused_delay() -> timedelta | None:
    """Return the delay before the next attempt at what was refused, or None if this was the last."""
    attempt = activity.info().attempt
    return REFUSED_ATTEMPT_DELAYS[attempt - 1] if attempt <= len(REFUSED_ATTEMPT_DELAYS) else None
