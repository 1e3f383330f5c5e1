"""Google's errors as Temporal's ApplicationError."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from slotsync.errors import Conflict, Exists, GoogleError, RateLimited, Transient

_RETRIED_HERE = (Transient, RateLimited, Exists, Conflict)


@contextmanager
def google_errors_as_application_errors() -> Iterator[None]:
    """Raises Google's errors as ``ApplicationError``: the class is its ``type``, Google's reason its first detail.

    What heals in seconds or minutes is retried by Temporal; the rest goes to the workflow, which knows how to wait.
    """
    try:
        yield
    except GoogleError as error:
        raise ApplicationError(
            str(error),
            error.reason,
            type=type(error).__name__,
            non_retryable=not isinstance(error, _RETRIED_HERE),
            next_retry_delay=error.delay,
        ) from None
