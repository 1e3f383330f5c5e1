"""A merchant's connection to Google: one workflow per merchant."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.connections import ConnectionActivities
    from activities.signals import WaitingWork
    from slotsync.domain.availability.messages import merchants_messages
    from slotsync.domain.connections.disconnection import DisconnectionResult
    from slotsync.domain.connections.messages import (
        ConnectionPlan,
        ConnectionRequest,
        ConnectionStep,
        ConnectionStop,
        ServedGrant,
        WaitingWorkRequest,
    )
    from slotsync.domain.connections.refused_grants import remedy_for
    from slotsync.domain.health import STOPPED, blocker_for_error
    from slotsync.domain.workflow_ids import connection_id
    from slotsync.temporal import queues
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN, fairness_key
    from workflows.steps.disconnection import CalendarEnds, disconnect_merchant
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT, require_own_id, run_until_stopped
    from workflows.steps.mails import mail_deliveries
    from workflows.steps.refused_grants import wait_for_grant
    from workflows.steps.webhooks import deliver_once, webhook_deliveries
    from workflows.steps.workflow_status import WorkflowStatus

_SIGNALLING_TIMEOUT = timedelta(hours=12)
_HEARTBEAT_TIMEOUT = timedelta(seconds=30)


@workflow.defn
class ConnectionWorkflow:
    """Wakes a merchant's waiting work when there is a grant again, and cleans up when the merchant disconnects."""

    @workflow.init
    def __init__(self, request: ConnectionRequest) -> None:
        self._merchant = request.merchant
        self._changed = False
        self._signals = 0
        self._granted = False
        self._chosen = False
        self._calendar_ends = CalendarEnds()
        self._grant_number: int | None = None
        self._deliveries = webhook_deliveries(merchants_messages(request.merchant))
        self._mails = mail_deliveries(request.merchant)
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: ConnectionRequest) -> DisconnectionResult:
        """Do what the connection's row wants, until the merchant disconnects, or an operator cancels this.

        Return what was left behind after a disconnection. One that is under way when this is cancelled is finished.
        """
        require_own_id(connection_id(request.merchant))
        return await run_until_stopped(self._do_steps(request), self._record_stop)

    async def _do_steps(self, request: ConnectionRequest) -> DisconnectionResult:
        result = None
        while True:
            self._changed = self._granted = self._chosen = False
            self._grant_number = None
            plan = await self._plan()
            if plan.step is ConnectionStep.DISCONNECT:
                self._grant_number = plan.grant_number
                result = await self._disconnect(plan)
            elif plan.step is ConnectionStep.SERVE:
                self._grant_number = plan.grant_number
                self._calendar_ends = CalendarEnds()
                await self._serve_grant(plan)
            elif plan.step is ConnectionStep.CLOSE:
                await self._mails.close()
                if plan.messages:
                    await self._deliveries.close()
                    await deliver_once(merchants_messages(self._merchant))
                return result or DisconnectionResult(notes=(plan.reason,))
            else:
                self._grant_number = plan.grant_number
                self._show(plan)
                self._deliveries.begin(plan.messages)
                self._mails.begin(int(plan.mail_due))
                await self._wait(plan)
                await self._continue_as_new_if_long(request)

    @workflow.signal
    def granted(self) -> None:
        """Look at the row: there is a grant, for the first time or again."""
        self._granted = True
        self._note_signal()

    @workflow.signal
    def revoked(self) -> None:
        """Look at the row: Google refuses the grant, which is tried again for 30 days."""
        self._note_signal()

    @workflow.signal
    def disconnect(self) -> None:
        """Look at the row: the merchant wants to disconnect, or has chosen otherwise for its calendars."""
        self._chosen = True
        self._note_signal()

    @workflow.signal
    def check(self) -> None:
        """Look at the row: the sweep found that something in it was not taken up."""
        self._note_signal()

    async def _plan(self) -> ConnectionPlan:
        return await workflow.execute_local_activity_method(
            ConnectionActivities.plan_connection,
            ConnectionRequest(merchant=self._merchant),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _record_stop(self) -> None:
        self._status.set_health(STOPPED, "Stopped by an operator; a new consent or slotsync resume starts it again")
        await self._deliveries.close()
        await workflow.execute_local_activity_method(
            ConnectionActivities.record_connection_stop,
            ConnectionStop(
                merchant=self._merchant,
                grant_number=None if self._changed else self._grant_number,
                now=workflow.now(),
            ),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
        await self._mails.close()  # last, since a mail server may take minutes

    async def _serve_grant(self, plan: ConnectionPlan) -> None:
        """Signal the work that waits. Work that is in flight under an earlier grant notices that by itself."""
        self._status.set_details("There is a grant: waking the work that waits for it")
        woken = await self._signal_work(all_open=plan.all_open)
        await workflow.execute_local_activity_method(
            ConnectionActivities.record_served_grant,
            ServedGrant(merchant=self._merchant, grant_number=plan.grant_number, woken=woken, now=workflow.now()),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
        self._status.set_health(None, f"Connected; woke {woken} workflows")

    async def _disconnect(self, plan: ConnectionPlan) -> DisconnectionResult | None:
        """Disconnect, and return what was left behind, or None if the merchant may want something else by now.

        If an operator cancels the workflow meanwhile, calendars are left, and the grant is given back all the same.
        """
        self._status.set_details("Disconnecting")
        try:
            result = await disconnect_merchant(
                self._merchant,
                plan.calendars,
                self._calendar_ends,
                is_interrupted=lambda: self._granted or self._chosen,
            )
        except BaseException as error:
            if is_cancelled_exception(error):
                changed = self._changed
                await disconnect_merchant(
                    self._merchant,
                    plan.calendars,
                    self._calendar_ends,
                    is_interrupted=lambda: False,
                    leave_calendars=True,
                )
                self._changed = changed  # a consent meanwhile is newer than the stop
            raise
        if result:
            await self._signal_work(all_open=True)
            self._status.set_health(None, "\n\n".join(("Disconnected.", *result.notes)))
        return result

    async def _signal_work(self, *, all_open: bool) -> int:
        """Return how many workflows were signalled."""
        return await workflow.execute_activity_method(
            WaitingWork.signal_waiting_work,
            WaitingWorkRequest(merchant=self._merchant, all_open=all_open, now=workflow.now()),
            task_queue=queues.LONG,
            start_to_close_timeout=_SIGNALLING_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            priority=Priority(fairness_key=fairness_key(self._merchant)),
            summary="Wake all work of the merchant" if all_open else "Wake the waiting work of the merchant",
        )

    async def _wait(self, plan: ConnectionPlan) -> None:
        if plan.step is ConnectionStep.PARK and plan.since:
            await wait_for_grant(self._merchant, plan, lambda: self._changed)
        else:
            await workflow.wait_condition(lambda: self._changed)

    def _show(self, plan: ConnectionPlan) -> None:
        if plan.step is ConnectionStep.PARK:
            blocker = blocker_for_error("GrantLost", plan.reason)
            remedy = remedy_for(plan.reason, forgotten=not plan.kept)
            self._status.set_health(blocker, f"Google refuses the grant ({plan.reason}). {remedy}")
        elif self._status.doing == "Starting":
            self._status.set_health(None, "Connected")

    async def _continue_as_new_if_long(self, request: ConnectionRequest) -> None:
        if workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN:
            await self._deliveries.close()
            await self._mails.close()
            workflow.continue_as_new(request)

    def _note_signal(self) -> None:
        self._signals += 1
        self._changed = True
