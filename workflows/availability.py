"""A product's availability: one workflow per product that a calendar blocks."""

from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from slotsync.domain.availability.confirmation import ConfirmAnswer
    from slotsync.domain.availability.messages import (
        ConfirmCalls,
        ProductKey,
        Publication,
        WatchRequest,
        WatchResult,
    )
    from slotsync.domain.availability.questions import ConfirmAnswers, ConfirmQuestion, ConfirmQuestions
    from slotsync.domain.health import ENDED_BY_OPERATOR, STOPPED, Blocker, Health
    from slotsync.domain.workflow_ids import availability_id
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
    from workflows.steps.availability import publish, record_stop, signal_subscribers, start_watch
    from workflows.steps.confirmation import confirm, make_calls
    from workflows.steps.lifecycle import require_own_id, run_until_stopped
    from workflows.steps.webhooks import deliver_once, webhook_deliveries
    from workflows.steps.workflow_status import WorkflowStatus

_TAKE_UP_TIME = timedelta(seconds=10)


@workflow.defn
class ProductAvailabilityWorkflow:
    """Watches and publishes a product's availability for as long as any calendar blocks the product."""

    @workflow.init
    def __init__(self, key: ProductKey) -> None:
        self._key = ProductKey(merchant=key.merchant, product=key.product)
        self._deliveries = webhook_deliveries(self._key)
        self._known = WatchRequest(**dict(self._key))
        self._look_again = False
        self._signals = 0
        self._watching_since: datetime | None = None
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, key: ProductKey) -> None:
        """Do round after round, until no calendar blocks the product and the platform has all messages.

        If an operator cancels this, the product is unknown from then on, which is published.
        """
        require_own_id(availability_id(key.merchant, key.product))
        await run_until_stopped(self._do_rounds(), self._stop)
        if self._look_again:
            workflow.continue_as_new(self._key)

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round: the blocking calendars or the grant have changed."""
        self._signals += 1
        self._look_again = True

    @workflow.update
    async def confirm_calls(self, asked: ConfirmCalls) -> None:
        """Have Google asked now whether the product is free; the answers are in the store, for calls that had one."""
        await make_calls(self._key, asked)

    @workflow.update
    async def confirm(self, question: ConfirmQuestion) -> ConfirmAnswer:
        """Return whether the product is free according to Google now. Asked by processes of former versions."""
        return (await confirm(self._key, [question]))[question.id]

    @workflow.update
    async def confirm_all(self, asked: ConfirmQuestions) -> ConfirmAnswers:
        """Return whether the product is free, by the ids of the questions. Asked by processes of former versions."""
        return ConfirmAnswers(answers=dict(await confirm(self._key, asked.questions)))

    async def _do_rounds(self) -> None:
        while not await self._do_round():
            pass
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _do_round(self) -> bool:
        """Publish the product when it changes; return whether nothing blocks it any more, and no message waits."""
        self._look_again, self._watching_since = False, None
        watched = await self._watch()
        published = await publish(self._key) if watched.changed else _pending(watched)
        self._deliveries.begin(published.messages)
        if published.subscribers:
            await signal_subscribers(self._key)
        self._show_status(watched, published.number)
        if watched.is_over:
            await workflow.wait_condition(lambda: self._needs_round() or self._deliveries.is_idle)
        elif watched.blocker:
            await self._wait_for_unblocking(watched.blocker)
        await self._continue_as_new_if_long()
        return watched.is_over and not self._look_again

    async def _watch(self) -> WatchResult:
        """Return the result of a watch. Continue as new if the history gets long, by confirmations for example."""
        watching = start_watch(self._known)
        self._watching_since = workflow.now()
        await workflow.wait_condition(lambda: watching.done() or self._is_history_long())
        if not watching.done():
            await self._continue_as_new_if_long()
        try:
            return await watching
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            # An operator ended it: the next round begins another one.
            return WatchResult(calendars=max(self._known.calendars, 1), blocker=ENDED_BY_OPERATOR)

    def _show_status(self, watched: WatchResult, number: int) -> None:
        self._known = self._known.model_copy(update={"calendars": watched.calendars, "trouble": watched.trouble})
        trouble = (
            Blocker(health=Health.RETRYING, reason=watched.trouble, look_again=timedelta()) if watched.trouble else None
        )
        waiting = f"; {self._deliveries.waiting} messages wait for the platform" if self._deliveries.waiting else ""
        doing = f"{watched.calendars} calendars block the product; {number} changes published{waiting}"
        self._status.set_health(STOPPED if watched.stopped else watched.blocker or trouble, doing)

    async def _wait_for_unblocking(self, blocker: Blocker) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                self._needs_round, timeout=blocker.look_again, timeout_summary=f"Look again: {blocker.reason}"
            )

    async def _stop(self) -> None:
        """Record that an operator has stopped this, and publish that the product is unknown."""
        self._status.set_health(STOPPED, "Stopped by an operator; picking calendars or slotsync resume starts it again")
        await self._deliveries.close()
        await record_stop(self._key, watched=self._has_taken_up())
        await publish(self._key)
        await signal_subscribers(self._key)
        await deliver_once(self._key)

    def _has_taken_up(self) -> bool:
        """Return whether the watch has looked at all that was wanted so far, which it does in its first moments."""
        since = self._watching_since
        return since is not None and workflow.now() - since > _TAKE_UP_TIME and not self._look_again

    def _needs_round(self) -> bool:
        return self._look_again or self._is_history_long()

    def _is_history_long(self) -> bool:
        """Return whether Temporal suggests to continue as new, or the run has had many signals."""
        return workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN

    async def _continue_as_new_if_long(self) -> None:
        if self._is_history_long():
            await self._deliveries.close()
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(self._key)


def _pending(watched: WatchResult) -> Publication:
    return Publication(number=watched.number, messages=watched.messages, subscribers=watched.subscribers)
