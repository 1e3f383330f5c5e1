"""Refuse to run under another workflow's id."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError


def require_own_id(expected: str) -> None:
    """Check that the workflow's id is that of its subject: nobody may act for one merchant under another one's id.

    Raises:
        ApplicationError: it is another id.
    """
    if workflow.info().workflow_id != expected:
        raise ApplicationError(f"the input belongs to {expected}", type="WrongWorkflowId", non_retryable=True)
