"""Activity failures in the log: loud enough to be seen, never a flood."""

import logging

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

logger = logging.getLogger(__name__)

_FIRST = (1, 5, 10)
_EVERY = 25


def worth_telling(attempt: int, *, last: bool) -> bool:
    """Whether a failed attempt is logged: the 1st, 5th, 10th, every 25th, and always one that ends the activity."""
    return last or attempt in _FIRST or attempt % _EVERY == 0


class FailureLog(Interceptor):
    """Logs failed activity attempts, with their workflow, and nothing of their content."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  the SDK's name
        """The interceptor around one activity attempt."""
        return _FailureLogInbound(next)


class _FailureLogInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> object:  # noqa: A002  the SDK's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            self._tell(error)
            raise

    def _tell(self, error: Exception) -> None:
        info = activity.info()
        last = isinstance(error, ApplicationError) and error.non_retryable
        if worth_telling(info.attempt, last=last):
            kind = error.type if isinstance(error, ApplicationError) else type(error).__name__
            logger.error("%s attempt %d of %s failed: %s", info.activity_type, info.attempt, info.workflow_id, kind)
