"""A merchant's connection to Google: one workflow per merchant."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.signals import ParkedWork
    from slotsync.domain.connections.disconnection import DisconnectionResult
    from slotsync.domain.connections.messages import ConnectionRequest, Disconnect, Granted, Revoked, WakeRequest
    from slotsync.domain.health import blocker_for_error
    from slotsync.temporal import queues
    from workflows.steps.disconnection import disconnect_merchant
    from workflows.steps.workflow_status import WorkflowStatus

PARKED_CHECK_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (2, 8, 30, 60, 120, 240))
"""When to look for parked work again: visibility is late, and work that was in flight parks late. After the last one,
each parked workflow looks again by itself."""

MIN_PARKED_CHECK_DURATION = timedelta(seconds=30)
"""Work that was in flight when the grant came has parked by then."""


@workflow.defn
class ConnectionWorkflow:
    """Wakes a merchant's parked work when there is a grant again, and cleans up when the merchant disconnects."""

    @workflow.init
    def __init__(self, request: ConnectionRequest) -> None:
        self._merchant = request.merchant
        self._message: Granted | Revoked | Disconnect | None = None
        self._disconnecting = False
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: ConnectionRequest) -> DisconnectionResult:
        """Serve one message after the other; return what was left behind when the merchant has disconnected."""
        while True:
            message = await self._wait_for_message()
            if isinstance(message, Granted):
                await self._resume(message)
            elif isinstance(message, Revoked):
                self._park(message)
            else:
                result = await self._disconnect(message)
                if self._message is None:
                    return result
            if self._message is None and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(request)

    @workflow.signal
    def granted(self, message: Granted) -> None:
        """Resume work, since there is a grant, for the first time or again."""
        self._message = message

    @workflow.signal
    def revoked(self, message: Revoked) -> None:
        """Park, since Google has refused the grant for good. A disconnection, wanted or in progress, goes first."""
        if not self._disconnecting and not isinstance(self._message, Disconnect):
            self._message = message

    @workflow.signal
    def disconnect(self, message: Disconnect) -> None:
        """Disconnect, since the merchant wants that."""
        self._message = message

    async def _wait_for_message(self) -> Granted | Revoked | Disconnect:
        await workflow.wait_condition(lambda: self._message is not None)
        assert self._message is not None
        message, self._message = self._message, None
        return message

    def _park(self, message: Revoked) -> None:
        blocker = blocker_for_error("GrantLost", message.reason)
        self._status.set_health(blocker, "The grant is dead: the merchant has to connect Google again")

    async def _resume(self, message: Granted) -> None:
        """Wake parked work, and look for work that parked late until none is left or the time is up."""
        self._status.set_details("There is a grant: waking the work that waits for it")
        woken = await self._wake(everyone=message.all_anew)
        self._status.set_health(None, f"Connected; woke {woken} workflows, and looking for those that parked late")
        began_at, left = workflow.now(), 0
        for delay in PARKED_CHECK_DELAYS:
            if await self._wait_for_interruption(delay):
                return
            left = await self._count_parked()
            if left:
                woken += await self._wake(everyone=False)
            elif workflow.now() - began_at >= MIN_PARKED_CHECK_DURATION:
                break
            self._status.set_health(None, f"Connected; woke {woken} workflows so far, {left} in the last round")
        self._status.set_health(None, f"Connected; woke {woken} workflows, of which {left} stay parked")

    async def _disconnect(self, message: Disconnect) -> DisconnectionResult:
        self._status.set_details("Disconnecting")
        self._disconnecting = True
        result = await disconnect_merchant(
            self._merchant, message.calendars, is_interrupted=lambda: self._message is not None
        )
        await self._wake(everyone=True)
        self._disconnecting = False
        self._status.set_health(None, "\n\n".join(("Disconnected.", *result.notes)))
        return result

    async def _wait_for_interruption(self, delay: timedelta) -> bool:
        """Return whether a message has arrived before the delay is over."""
        try:
            await workflow.wait_condition(
                lambda: self._message is not None, timeout=delay, timeout_summary="Look for work that parked late"
            )
        except TimeoutError:
            return False
        return True

    async def _count_parked(self) -> int:
        return await workflow.execute_activity_method(
            ParkedWork.count_parked,
            self._merchant,
            task_queue=queues.LONG,
            start_to_close_timeout=timedelta(seconds=30),
            summary="Count what is parked",
        )

    async def _wake(self, *, everyone: bool) -> int:
        return await workflow.execute_activity_method(
            ParkedWork.wake,
            WakeRequest(merchant=self._merchant, everyone=everyone),
            task_queue=queues.LONG,
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=30),
            summary="Wake all work of the merchant" if everyone else "Wake the parked work of the merchant",
        )
