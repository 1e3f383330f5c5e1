"""Raise Google's errors as Temporal's ApplicationError."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from slotsync.errors import Conflict, Exists, GoogleError, RateLimited, Transient

_RETRIED_BY_TEMPORAL = (Transient, RateLimited, Exists, Conflict)


@contextmanager
def google_errors_as_application_errors() -> Iterator[None]:
    """Raise Google's errors as ``ApplicationError``: the class is its ``type``, Google's reason its first detail.

    Errors that pass in seconds or minutes are retried by Temporal; the others go to the workflow, which knows how to
    wait.
    """
    try:
        yield
    except GoogleError as error:
        raise ApplicationError(
            str(error),
            error.reason,
            type=type(error).__name__,
            non_retryable=not isinstance(error, _RETRIED_BY_TEMPORAL),
            next_retry_delay=error.delay,
        ) from None
