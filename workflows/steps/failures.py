"""The meaning of activities that failed."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.health import ENDED_BY_OPERATOR, GOOGLE_ERRORS, Blocker, blocker_for_error


def blocker_for_failure(error: ActivityError) -> Blocker | None:
    """Return what the activity's error means for its subject, or None if the activity was cancelled."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return None
    if isinstance(cause, ApplicationError):
        if cause.type not in GOOGLE_ERRORS:
            return ENDED_BY_OPERATOR
        return blocker_for_error(cause.type, str(cause.details[0]) if cause.details else cause.type)
    return blocker_for_error("", type(cause).__name__)
