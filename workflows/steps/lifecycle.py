"""The frame of a workflow's life: under its own id only, until it ends or is stopped, and what failures mean for it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.health import ENDED_BY_OPERATOR, GOOGLE_ERRORS, Blocker, blocker_for_error

LOCAL_ACTIVITY_TIMEOUT = timedelta(seconds=30)
"""The time of one attempt at work in the database."""

Result = TypeVar("Result")


def require_own_id(expected: str) -> None:
    """Check that the workflow's id is that of its subject: nobody may act for one merchant under another one's id.

    Raises:
        ApplicationError: it is another id.
    """
    if workflow.info().workflow_id != expected:
        raise ApplicationError(f"the input belongs to {expected}", type="WrongWorkflowId", non_retryable=True)


async def run_until_stopped(work: Awaitable[Result], record_stop: Callable[[], Awaitable[None]]) -> Result:
    """Return the result of the work. If an operator cancels the workflow meanwhile, that is recorded first.

    Raises:
        CancelledError: an operator cancelled the workflow.
    """
    try:
        return await work
    except BaseException as error:
        if is_cancelled_exception(error):
            await record_stop()
        raise


def is_cancelled(error: ActivityError) -> bool:
    """Return whether the activity was cancelled.

    If an attempt was in flight then and failed, Temporal gives that attempt's failure, not a cancellation.
    """
    if isinstance(error.cause, CancelledError):
        return True
    return error.retry_state is RetryState.CANCEL_REQUESTED and workflow.patched("cancelled-in-flight")


def blocker_for_failure(error: ActivityError) -> Blocker | None:
    """Return what the activity's error means for its subject, or None if the activity was cancelled."""
    cause = error.cause
    if is_cancelled(error):
        return None
    if isinstance(cause, ApplicationError):
        if cause.type not in GOOGLE_ERRORS:
            return ENDED_BY_OPERATOR
        return blocker_for_error(cause.type, str(cause.details[0]) if cause.details else cause.type)
    return blocker_for_error("", type(cause).__name__)
