"""A product's availability: one workflow per product that a calendar blocks."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.availability.messages import (
        MAX_SUBSCRIBERS,
        AvailabilityChangedSignal,
        AvailabilityState,
        Confirmation,
        ConfirmRequest,
        Publication,
        PublishRequest,
        Subscription,
        WatchRequest,
        WatchResult,
    )
    from slotsync.domain.health import Blocker, Health
    from workflows.steps.availability import confirm, publish, signal_subscriber, start_watch
    from workflows.steps.webhooks import Outbox
    from workflows.steps.workflow_status import WorkflowStatus


@workflow.defn
class ProductAvailabilityWorkflow:
    """Watches and publishes a product's availability for as long as any calendar blocks the product."""

    @workflow.init
    def __init__(self, state: AvailabilityState) -> None:
        self._merchant = state.merchant
        self._product = state.product
        self._outbox = Outbox(state.outbox)
        self._subscribers = list(state.subscribers)
        self._number = state.number
        self._look_again = False
        self._calendars = 0
        self._trouble = ""
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, _: AvailabilityState) -> None:
        """End when no calendar blocks the product, the platform has all messages, and there are no subscribers."""
        self._outbox.open()
        while True:
            self._look_again = False
            watched = await self._watch()
            if watched.changed:
                await self._publish()
            self._show_status(watched)
            if not watched.calendars and await self._finish():
                return
            if watched.hold:
                await self._wait_for_unblocking(watched.hold)

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round: the blocking calendars or the grant have changed."""
        self._look_again = True

    @workflow.signal
    def subscribe(self, subscription: Subscription) -> None:
        """Add or remove a workflow that gets a signal for every change."""
        others = [each for each in self._subscribers if each != subscription.workflow_id]
        self._subscribers = others if subscription.ends else [*others, subscription.workflow_id][-MAX_SUBSCRIBERS:]

    @workflow.update
    async def confirm(self, request: ConfirmRequest) -> Confirmation:
        """Return whether the product is free according to Google now."""
        return await confirm(request)

    async def _watch(self) -> WatchResult:
        """Return the result of a watch. Continue as new if the history gets long, by confirmations for example."""
        request = WatchRequest(
            merchant=self._merchant, product=self._product, calendars=self._calendars, trouble=self._trouble
        )
        watching = start_watch(request)
        await workflow.wait_condition(lambda: watching.done() or _is_history_long())
        if not watching.done():
            await self._continue_as_new()
        return await watching

    async def _publish(self) -> None:
        """Record what has changed, put the messages for the platform into the outbox, and signal the subscribers."""
        subject = PublishRequest(
            merchant=self._merchant,
            product=self._product,
            token=str(workflow.uuid4()),
            replaces=self._outbox.reserve_replaceable(),
        )
        published = await publish(subject)
        self._outbox.put(published.messages)
        self._number = published.number
        if published.changed:
            await self._signal_subscribers(published)

    async def _signal_subscribers(self, published: Publication) -> None:
        change = AvailabilityChangedSignal(
            merchant=self._merchant, product=self._product, number=published.number, changed=published.changed
        )
        for each in list(self._subscribers):
            if not await signal_subscriber(each, change):
                self.subscribe(Subscription(workflow_id=each, ends=True))

    def _show_status(self, watched: WatchResult) -> None:
        self._calendars, self._trouble = watched.calendars, watched.trouble
        trouble = (
            Blocker(health=Health.RETRYING, reason=watched.trouble, look_again=timedelta()) if watched.trouble else None
        )
        waiting = f"; {len(self._outbox.messages)} messages wait for the platform" if self._outbox.messages else ""
        doing = f"{watched.calendars} calendars block the product; {self._number} changes published{waiting}"
        self._status.set_health(watched.hold or trouble, doing)

    async def _finish(self) -> bool:
        """Wait until all messages are delivered and nobody subscribes; return False if another round is due first."""
        await workflow.wait_condition(lambda: self._needs_round() or not (self._outbox.messages or self._subscribers))
        await workflow.wait_condition(lambda: self._needs_round() or workflow.all_handlers_finished())
        if self._needs_round():
            return False
        await self._outbox.close()
        return True

    async def _wait_for_unblocking(self, blocker: Blocker) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._needs_round, timeout=blocker.look_again, timeout_summary=f"Look again: {blocker.reason}"
            )

    def _needs_round(self) -> bool:
        return self._look_again or _is_history_long()

    async def _continue_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._outbox.close()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            AvailabilityState(
                merchant=self._merchant,
                product=self._product,
                number=self._number,
                outbox=tuple(self._outbox.messages),
                subscribers=tuple(self._subscribers),
            )
        )


def _is_history_long() -> bool:
    """Return whether the history is so long that Temporal suggests to continue as new."""
    return workflow.info().is_continue_as_new_suggested()
