"""The sweep: what nobody has taken up is signalled, and so started again. A Schedule starts one every few minutes."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.connections import ConsentActivities
    from activities.retention import RetentionActivities
    from activities.sweep import SweepActivities
    from slotsync.domain.sweep import SweepRequest, SweepResult
    from slotsync.temporal import queues

_SWEEP_TIMEOUT = timedelta(hours=6)
_CONSENTS_TIMEOUT = timedelta(minutes=5)
_HEARTBEAT_TIMEOUT = timedelta(minutes=1)


@workflow.defn
class SweepWorkflow:
    """Looks once for intent that no workflow has taken up."""

    @workflow.run
    async def run(self, request: SweepRequest) -> SweepResult:
        """Return how many workflows were signalled or started, by type."""
        found = await workflow.execute_activity_method(
            SweepActivities.sweep,
            request,
            task_queue=queues.LONG,
            start_to_close_timeout=_SWEEP_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
            summary="Signal what should run and does not" if request.everything else "Signal what is due",
        )
        if workflow.patched("unanswered-consents"):
            await self._end_unanswered_consents()
        if workflow.patched("retention"):
            await self._forget(request)
        return found

    async def _forget(self, request: SweepRequest) -> None:
        """Forget what is kept no longer; what fails waits for the next sweep."""
        with suppress(ActivityError):
            await workflow.execute_activity_method(
                RetentionActivities.forget,
                request,
                task_queue=queues.LONG,
                start_to_close_timeout=_SWEEP_TIMEOUT,
                heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary="Drop what is kept no longer" if request.everything else "Repeat what was erased lately",
            )

    async def _end_unanswered_consents(self) -> None:
        """End the grants of consents on which nobody has decided; what fails waits for the next sweep."""
        with suppress(ActivityError):
            await workflow.execute_activity_method(
                ConsentActivities.end_unanswered_consents,
                task_queue=queues.GOOGLE,
                start_to_close_timeout=_CONSENTS_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=1),
                summary="End consents that nobody has confirmed",
            )
