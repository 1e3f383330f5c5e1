"""Tell that Google refuses a grant, try it again for a month, then forget it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.connections import ConnectionActivities, RefusedGrantActivities
    from slotsync.domain.connections.messages import ConnectionPlan, GrantRequest, RefusalNotice
    from slotsync.domain.connections.refused_grants import REFUSED_GRANT_RETENTION, count_notices, next_notice, next_try
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from slotsync.temporal.signals import fairness_key
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT

_ATTEMPT_TIMEOUT = timedelta(seconds=30)
_TRIES_TIMEOUT = timedelta(minutes=5)


async def wait_for_grant(merchant: str, plan: ConnectionPlan, is_changed: Callable[[], bool]) -> None:
    """Do the next thing that is due for a refused grant, or wait until something is, or something has changed.

    Its row is to be looked at again afterwards.
    """
    assert plan.since
    now = workflow.now()
    due = count_notices(plan.since, now)
    grant = GrantRequest(merchant=merchant, grant_number=plan.grant_number)
    if plan.notices < due:
        await _record_notice(grant, due)
    elif plan.kept and now >= plan.since + REFUSED_GRANT_RETENTION:
        await _forget(grant)
    else:
        await _wait(grant, plan, now, is_changed)


async def _wait(grant: GrantRequest, plan: ConnectionPlan, now: datetime, is_changed: Callable[[], bool]) -> None:
    """Wait until the next try or notice; then, if it is a try, ask Google."""
    assert plan.since
    tried_at = next_try(plan.since, now) if plan.kept else None
    noticed_at = next_notice(plan.since, now)
    times = [each for each in (tried_at, noticed_at) if each]
    delay = min(times) - now if times else None
    summary = "Ask Google again, or remind" if delay else None
    with suppress(TimeoutError):
        await workflow.wait_condition(is_changed, timeout=delay, timeout_summary=summary)
        return
    if tried_at and tried_at <= workflow.now():
        await _try(grant)


async def _try(grant: GrantRequest) -> None:
    """Ask Google for the grant. If there is no answer within some minutes, the next try is soon enough."""
    try:
        await workflow.execute_activity_method(
            RefusedGrantActivities.try_refused_grant,
            grant,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=_TRIES_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
            priority=google_priority(3, fairness_key(grant.merchant)),
            summary="Ask Google whether the refused grant works again",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise


async def _record_notice(grant: GrantRequest, number: int) -> None:
    await workflow.execute_local_activity_method(
        ConnectionActivities.record_notice,
        RefusalNotice(**dict(grant), number=number, now=workflow.now()),
        start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
    )


async def _forget(grant: GrantRequest) -> None:
    await workflow.execute_local_activity_method(
        ConnectionActivities.forget_refused_grant, grant, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT
    )
