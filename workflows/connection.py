"""The life of a merchant's connection to Google."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.signals import ParkedWork
    from slotsync.domain.connections.disconnection import DisconnectionResult
    from slotsync.domain.connections.messages import ConnectionRequest, Disconnect, Granted, Revoked, WakeRequest
    from slotsync.domain.retry_delays import blocker_for_error
    from slotsync.temporal import queues
    from workflows.steps.disconnection import depart
    from workflows.steps.workflow_status import WorkflowStatus

LATER = tuple(timedelta(seconds=seconds) for seconds in (2, 8, 30, 60, 120, 240))
"""When to look for parked work again: visibility is late, and what was in flight parks late. After that each looks by
itself."""

SURE = timedelta(seconds=30)
"""Work that was in flight when the grant came has parked by then."""


@workflow.defn
class ConnectionWorkflow:
    """Calls a merchant's parked work when a grant is back, and cleans up when the merchant leaves."""

    @workflow.init
    def __init__(self, request: ConnectionRequest) -> None:
        self._merchant = request.merchant
        self._news: Granted | Revoked | Disconnect | None = None
        self._departing = False
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: ConnectionRequest) -> DisconnectionResult:
        """Answers with what was left behind, when the merchant has disconnected."""
        while True:
            news = await self._next_news()
            if isinstance(news, Granted):
                await self._resume(news)
            elif isinstance(news, Revoked):
                self._park(news)
            else:
                farewell = await self._depart(news)
                if self._news is None:
                    return farewell
            if self._news is None and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(request)

    @workflow.signal
    def granted(self, news: Granted) -> None:
        """A grant is there, for the first time or again."""
        self._news = news

    @workflow.signal
    def revoked(self, news: Revoked) -> None:
        """Google has refused the grant for good. What the merchant wants weighs more, and who is leaving leaves."""
        if not self._departing and not isinstance(self._news, Disconnect):
            self._news = news

    @workflow.signal
    def disconnect(self, news: Disconnect) -> None:
        """The merchant wants to leave."""
        self._news = news

    async def _next_news(self) -> Granted | Revoked | Disconnect:
        await workflow.wait_condition(lambda: self._news is not None)
        assert self._news is not None
        news, self._news = self._news, None
        return news

    def _park(self, news: Revoked) -> None:
        hold = blocker_for_error("GrantLost", news.reason)
        self._status.set_health(hold, "The grant is dead: the merchant has to connect Google again")

    async def _resume(self, news: Granted) -> None:
        """Calls what is parked, and looks for late ones until none is left or the time is up."""
        self._status.set_details("A grant is there: calling the work that waits for it")
        called = await self._wake(everyone=news.all_anew)
        self._status.set_health(None, f"Connected; called {called} workflows, and looking for those that parked late")
        began, left = workflow.now(), 0
        for pause in LATER:
            if await self._interrupted(pause):
                return
            left = await self._count_parked()
            if left:
                called += await self._wake(everyone=False)
            elif workflow.now() - began >= SURE:
                break
            self._status.set_health(None, f"Connected; called {called} workflows so far, {left} in the last round")
        self._status.set_health(None, f"Connected; called {called} workflows, of which {left} stay parked")

    async def _depart(self, news: Disconnect) -> DisconnectionResult:
        self._status.set_details("Disconnecting")
        self._departing = True
        farewell = await depart(self._merchant, news.calendars, interrupted=lambda: self._news is not None)
        await self._wake(everyone=True)
        self._departing = False
        self._status.set_health(None, "\n\n".join(("Disconnected.", *farewell.notes)))
        return farewell

    async def _interrupted(self, pause: timedelta) -> bool:
        """Whether there is news before the pause is over."""
        try:
            await workflow.wait_condition(
                lambda: self._news is not None, timeout=pause, timeout_summary="Look for work that parked late"
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
            summary="Call all work of the merchant" if everyone else "Call the parked work of the merchant",
        )
