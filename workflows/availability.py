"""The life of a product's availability: watched, published, confirmed."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.availability.messages import (
        MOST_SUBSCRIBERS,
        AvailabilityChangedSignal,
        AvailabilityState,
        Confirmation,
        ConfirmRequest,
        Publication,
        PublishRequest,
        Subscription,
        Watched,
        WatchRequest,
    )
    from slotsync.domain.health import Blocker, Health
    from workflows.steps.availability import begin_watch, look_live, publish, told
    from workflows.steps.webhooks import Outbox
    from workflows.steps.workflow_status import WorkflowStatus


@workflow.defn
class ProductAvailabilityWorkflow:
    """Watches the calendars that block a product for as long as there are any."""

    @workflow.init
    def __init__(self, state: AvailabilityState) -> None:
        self._merchant = state.merchant
        self._product = state.product
        self._outbox = Outbox(state.outbox)
        self._subscribers = list(state.subscribers)
        self._number = state.number
        self._called = False
        self._calendars = 0
        self._trouble = ""
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, _: AvailabilityState) -> None:
        """Ends when no calendar blocks the product any more, the platform knows, and nobody subscribed."""
        self._outbox.open()
        while True:
            self._called = False
            watched = await self._watch()
            if watched.changed:
                await self._publish()
            self._show(watched)
            if not watched.calendars and await self._is_over():
                return
            if watched.hold:
                await self._until_called(watched.hold)

    @workflow.signal
    def look_again(self) -> None:
        """Something has changed for it: what it is blocked by, or the grant."""
        self._called = True

    @workflow.signal
    def subscribe(self, subscription: Subscription) -> None:
        """Notes who wants to hear of changes, or no longer does."""
        others = [each for each in self._subscribers if each != subscription.workflow_id]
        self._subscribers = others if subscription.ends else [*others, subscription.workflow_id][-MOST_SUBSCRIBERS:]

    @workflow.update
    async def confirm(self, question: ConfirmRequest) -> Confirmation:
        """Whether the product is free right now, asked of Google itself."""
        return await look_live(question)

    async def _watch(self) -> Watched:
        """What the watch found. Continues as new instead once the history is long: by confirmations, perhaps."""
        request = WatchRequest(
            merchant=self._merchant, product=self._product, calendars=self._calendars, trouble=self._trouble
        )
        watching = begin_watch(request)
        await workflow.wait_condition(lambda: watching.done() or _is_long())
        if not watching.done():
            await self._continue()
        return await watching

    async def _publish(self) -> None:
        """Notes what is new for the platform, and tells the subscribers."""
        subject = PublishRequest(
            merchant=self._merchant,
            product=self._product,
            token=str(workflow.uuid4()),
            replaces=self._outbox.take_back(),
        )
        published = await publish(subject)
        self._outbox.put(published.messages)
        self._number = published.number
        if published.changed:
            await self._tell_subscribers(published)

    async def _tell_subscribers(self, published: Publication) -> None:
        news = AvailabilityChangedSignal(
            merchant=self._merchant, product=self._product, number=published.number, changed=published.changed
        )
        for each in list(self._subscribers):
            if not await told(each, news):
                self.subscribe(Subscription(workflow_id=each, ends=True))

    def _show(self, watched: Watched) -> None:
        self._calendars, self._trouble = watched.calendars, watched.trouble
        trouble = (
            Blocker(health=Health.RETRYING, reason=watched.trouble, look_again=timedelta()) if watched.trouble else None
        )
        waiting = f"; {len(self._outbox.messages)} messages wait for the platform" if self._outbox.messages else ""
        doing = f"{watched.calendars} calendars block the product; {self._number} changes published{waiting}"
        self._status.set_health(watched.hold or trouble, doing)

    async def _is_over(self) -> bool:
        """Whether nothing is left to do, once everybody knows that nothing blocks the product any more."""
        await workflow.wait_condition(lambda: self._goes_on() or not (self._outbox.messages or self._subscribers))
        await workflow.wait_condition(lambda: self._goes_on() or workflow.all_handlers_finished())
        if self._goes_on():
            return False
        await self._outbox.close()
        return True

    async def _until_called(self, hold: Blocker) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._goes_on, timeout=hold.look_again, timeout_summary="Look whether it goes on"
            )

    def _goes_on(self) -> bool:
        return self._called or _is_long()

    async def _continue(self) -> None:
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


def _is_long() -> bool:
    """Whether the history is so long that Temporal wants another run."""
    return workflow.info().is_continue_as_new_suggested()
