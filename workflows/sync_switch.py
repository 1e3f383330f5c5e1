"""A switch of a whole merchant: one workflow for each merchant, while its products and resources hear of it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.sync_switch import SyncSwitchActivities
    from slotsync.domain.calendars.messages import OwnersRequest, SwitchPlan, SwitchRequest, SwitchStop
    from slotsync.domain.health import STOPPED
    from slotsync.domain.workflow_ids import switch_id
    from slotsync.temporal import queues
    from slotsync.temporal.signals import fairness_key
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT, require_own_id, run_until_stopped
    from workflows.steps.workflow_status import WorkflowStatus

_SIGNALLING_TIMEOUT = timedelta(hours=12)
_HEARTBEAT_TIMEOUT = timedelta(seconds=25)


@workflow.defn
class SyncSwitchWorkflow:
    """Signals the calendars of all products and resources that the merchant was switched on or off."""

    @workflow.init
    def __init__(self, request: SwitchRequest) -> None:
        self._request = SwitchRequest(merchant=request.merchant)
        self._switched = False
        self._revision: int | None = None
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: SwitchRequest) -> str:
        """Carry out the newest switch, until none is left, or an operator cancels this; return why it ends."""
        require_own_id(switch_id(request.merchant))
        return await run_until_stopped(self._do_rounds(), self._record_stop)

    @workflow.signal
    def switched(self) -> None:
        """Look at the row: the merchant was switched, or the sweep found that this was not taken up."""
        self._switched = True

    async def _do_rounds(self) -> str:
        while True:
            self._switched = False
            self._revision = None
            plan = await self._plan()
            if not plan.closing_reason:
                self._revision = plan.revision
                await self._signal_owners(plan)
            elif not self._switched:
                self._status.set_health(None, f"Done: {plan.closing_reason}")
                return plan.closing_reason

    async def _plan(self) -> SwitchPlan:
        return await workflow.execute_local_activity_method(
            SyncSwitchActivities.plan_switch, self._request, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT
        )

    async def _signal_owners(self, plan: SwitchPlan) -> None:
        self._status.set_details(f"Signalling {plan.to_signal} products and resources")
        await workflow.execute_activity_method(
            SyncSwitchActivities.signal_owners,
            OwnersRequest(merchant=self._request.merchant, revision=plan.revision),
            task_queue=queues.LONG,
            start_to_close_timeout=_SIGNALLING_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            priority=Priority(fairness_key=fairness_key(self._request.merchant)),
            summary="Signal all products and resources of the merchant",
        )

    async def _record_stop(self) -> None:
        self._status.set_health(STOPPED, "Stopped by an operator; another switch or slotsync resume goes on")
        await workflow.execute_local_activity_method(
            SyncSwitchActivities.record_switch_stop,
            SwitchStop(
                merchant=self._request.merchant,
                revision=None if self._switched else self._revision,
                now=workflow.now(),
            ),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
