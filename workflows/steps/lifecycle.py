"""The frame of a workflow's life: under its own id only, until it ends by itself or an operator stops it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, is_cancelled_exception

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
