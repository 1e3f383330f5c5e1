"""Raise Google's errors as Temporal's ApplicationError."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http import HTTPStatus

from temporalio import activity
from temporalio.exceptions import ApplicationError

from slotsync.domain.retry_delays import refused_attempt_delay
from slotsync.errors import BadRequest, Conflict, Exists, Gone, GoogleError, NotFound, RateLimited, Refused, Transient

_RETRIED_BY_TEMPORAL = (Transient, RateLimited)
_RETRIED_A_FEW_TIMES = (BadRequest, Conflict, Exists, Gone, NotFound, Refused)
"""The classes of what Google refuses for a reason that may last, whatever the reason is."""

_CALLS: ContextVar[list[None] | None] = ContextVar("calls", default=None)
"""An entry for each call to Google of this attempt."""


def heartbeat_and_count() -> None:
    """Send the activity's heartbeat, and count a call to Google."""
    activity.heartbeat()
    if (calls := _CALLS.get()) is not None:
        calls.append(None)


@contextmanager
def google_errors_as_application_errors(*, patient: bool = False) -> Iterator[None]:
    """Raise Google's errors as ``ApplicationError``: the class is its ``type``, Google's reason its first detail.

    Errors that pass in seconds or minutes are retried by Temporal, refusals a few times; the others go to the workflow,
    which knows how to wait. With ``patient``, Temporal retries conflicts and refused tokens until the activity's own
    time-out.
    """
    calls: list[None] = []
    token = _CALLS.set(calls)
    try:
        yield
    except GoogleError as error:
        waits = patient and (isinstance(error, Conflict) or error.status == HTTPStatus.UNAUTHORIZED)
        lasting = isinstance(error, _RETRIED_A_FEW_TIMES) and not waits
        delay = _refused_delay(len(calls)) if lasting else error.delay
        retried = delay is not None if lasting else waits or isinstance(error, _RETRIED_BY_TEMPORAL)
        raise ApplicationError(
            str(error),
            error.reason,
            type=_class_name(error),
            non_retryable=not retried,
            next_retry_delay=delay,
        ) from None
    finally:
        _CALLS.reset(token)


def _class_name(error: GoogleError) -> str:
    """Return the name of the class by which workflows tell what to do: the one right below ``GoogleError``."""
    return next(each.__name__ for each in type(error).__mro__ if GoogleError in each.__bases__)


def _refused_delay(calls: int) -> timedelta | None:
    """Return the delay before the next attempt at what was refused, or None if this was the last."""
    return refused_attempt_delay(activity.info().attempt, calls)
