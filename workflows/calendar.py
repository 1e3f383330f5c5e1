"""A managed calendar: one workflow per product or resource, so there is never a second calendar."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType, ActivityHandle

with workflow.unsafe.imports_passed_through():
    from activities.calendars import CalendarActivities
    from activities.signals import ReservationSignals
    from slotsync.domain.calendars.creation_limit import PERMIT_VALIDITY, describe_position, permit_blocker
    from slotsync.domain.calendars.messages import (
        CalendarProgress,
        CalendarRequest,
        CalendarResult,
        CalendarState,
        CalendarStop,
        CalendarView,
        PermitRequest,
        SignalRequest,
        ViewRequest,
    )
    from slotsync.domain.calendars.plan import CalendarStep, next_step
    from slotsync.domain.health import STAGED_REASON, STOPPED, Blocker
    from slotsync.domain.retry_delays import TAKE_UP_MARGIN
    from slotsync.domain.workflow_ids import calendar_id
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN, fairness_key
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT, blocker_for_failure, require_own_id, run_until_stopped
    from workflows.steps.workflow_status import WorkflowStatus

LATE_EFFECT_DELAY = timedelta(minutes=5)
"""Longer than any call to Google can take: by then Google has carried out what it did not answer in time."""

CALENDAR_CHECK_INTERVAL = timedelta(days=1)

_ATTEMPT_TIMEOUT = timedelta(minutes=3)
_SIGNALLING_TIMEOUT = timedelta(hours=12)
_HEARTBEAT_TIMEOUT = timedelta(seconds=25)
_CALLS = 3
"""The calls to Google of most of these activities: they look, change, and look again."""

GoogleActivity = Callable[[CalendarActivities, CalendarRequest], None]


@workflow.defn
class ManagedCalendarWorkflow:
    """Creates the calendar of a product or resource, names it as its owner, and deletes it if that is wanted."""

    @workflow.init
    def __init__(self, state: CalendarState) -> None:
        self._request = CalendarRequest(merchant=state.merchant, owner=state.owner)
        self._changed = self._settings_changed = self._interrupted = False
        self._needed = self._check_due = False
        self._settles_at = state.settles_at
        self._signals = 0
        self._revision: int | None = None
        self._status = WorkflowStatus()
        self._steps: dict[CalendarStep, Callable[[CalendarView], Awaitable[Blocker | None]]] = {
            CalendarStep.CREATE: self._create,
            CalendarStep.SIGNAL_CHANGED: self._signal_reservations,
            CalendarStep.UPDATE: self._update,
            CalendarStep.SIGNAL: self._signal_reservations,
            CalendarStep.RETIRE: self._retire,
        }

    @workflow.run
    async def run(self, state: CalendarState) -> str:
        """Do round after round, until synchronization is off, or an operator cancels this."""
        require_own_id(calendar_id(state.merchant, state.owner))
        return await run_until_stopped(self._do_rounds(), self._record_stop)

    @workflow.signal
    def settings_changed(self) -> None:
        """Begin another round, since the owner's settings or a switch have changed in the store."""
        self._note_change()
        self._settings_changed = True

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round, since a possible blocker is gone: there is a grant again.

        A disconnection that was broken off may have begun to delete the calendar: it may still vanish later.
        """
        self._note_change()
        self._settles_at = self._settles_at or workflow.now() + LATE_EFFECT_DELAY

    @workflow.signal
    def needed(self) -> None:
        """Begin another round: a reservation found no calendar, which may have been deleted in Google."""
        self._signals += 1
        self._needed = True

    @workflow.signal
    def check(self) -> None:
        """Begin another round: the sweep found that something was not taken up."""
        self._note_change()

    @workflow.query
    def progress(self) -> CalendarProgress:
        """Return what the workflow does now."""
        return CalendarProgress(health=self._status.health, doing=self._status.doing)

    async def _do_rounds(self) -> str:
        while True:
            self._changed = self._settings_changed = self._interrupted = self._needed = False
            self._revision = None
            view = await self._view_calendar()
            if view.closing_reason:
                return view.closing_reason
            self._revision = view.revision
            last, blocker = await self._do_steps(view)
            if not self._interrupted:
                await self._record_round(view, blocker, left=last.left and not last.sync)
            if not (view.sync or blocker or self._changed):
                return "synchronization is off"
            await self._wait(blocker)
            self._check_due = self._check_due or bool(self._settles_at and self._settles_at <= workflow.now())
            self._continue_as_new_if_long()

    async def _do_steps(self, view: CalendarView) -> tuple[CalendarView, Blocker | None]:
        """Do what the calendar lacks, one step after the other; return what is done then, and what blocks the rest."""
        done, kept = set[CalendarStep](), None
        while step := self._next_step(view, done):
            blocker = step if isinstance(step, Blocker) else await self._steps[step](view)
            if isinstance(step, Blocker) or (blocker and not self._goes_on_after(step)):
                return view, kept or blocker
            kept = kept or blocker
            done |= {step, CalendarStep.UPDATE} if step is CalendarStep.CREATE else {step}
            view = await self._view_calendar()
        return view, kept

    def _goes_on_after(self, failed: CalendarStep) -> bool:
        """Return whether the round goes on: a calendar as it should not be keeps no reservation from its signal."""
        return failed is CalendarStep.RETIRE or (failed is CalendarStep.UPDATE and self._signals_first())

    def _next_step(self, view: CalendarView, done: Collection[CalendarStep]) -> CalendarStep | Blocker | None:
        retire_first = view.removing and workflow.patched("retire-first")
        step = next_step(view, done, check_due=self._check_due, retire_first=retire_first)
        if step is CalendarStep.SIGNAL_CHANGED and not self._signals_first():
            return CalendarStep.UPDATE
        return step

    def _signals_first(self) -> bool:
        """Return whether the run began when no reservation waited any more for what Google refuses the calendar."""
        return workflow.patched("signal-first")

    async def _create(self, view: CalendarView) -> Blocker | None:
        """Find or create the calendar, once it has a permit."""
        permit = PermitRequest(**dict(self._request), now=workflow.now())
        place = await workflow.execute_local_activity_method(
            CalendarActivities.request_permit, permit, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT
        )
        if place.at > permit.now:  # not compared with the time now: a request that was too early got no permit
            self._status.set_details(describe_position(place))
            return permit_blocker(place, permit.now)
        self._status.set_details("Finding or making the calendar")
        ensure, summary = CalendarActivities.ensure_calendar, f"Find or make {self._request.owner}"
        blocker = await self._call_google(view, ensure, summary, within=PERMIT_VALIDITY)
        self._settles_at = None if blocker else workflow.now() + LATE_EFFECT_DELAY
        return blocker

    async def _update(self, view: CalendarView) -> Blocker | None:
        """Check that the calendar exists, and give it the properties that its owner has now."""
        self._status.set_details("Looking whether the calendar is as it should be")
        if self._settles_at and self._check_due:
            remove = CalendarActivities.remove_duplicates
            await self._call_google(view, remove, "Remove an empty duplicate, if there is one")
            self._settles_at = None
        update, summary = CalendarActivities.update_calendar, f"Update {self._request.owner}"
        blocker = await self._call_google(view, update, summary, until_changed=self._signals_first())
        self._check_due = self._check_due and (bool(blocker) or self._interrupted)
        return blocker

    async def _signal_reservations(self, view: CalendarView) -> Blocker | None:
        """Signal all open reservations after a change of settings, else those that wait for the calendar."""
        all_open = view.revision != view.applied_revision
        self._status.set_details("Signalling all open reservations" if all_open else "Signalling what waits for it")
        request = SignalRequest(**dict(self._request), revision=view.revision, all_open=all_open, now=workflow.now())
        await workflow.execute_activity_method(
            ReservationSignals.signal_reservations,
            request,
            task_queue=queues.LONG,
            start_to_close_timeout=_SIGNALLING_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            priority=Priority(fairness_key=fairness_key(self._request.merchant)),
            summary="Signal every open reservation" if all_open else "Signal the reservations that wait",
        )
        return None

    async def _retire(self, view: CalendarView) -> Blocker | None:
        """Delete the calendar with our events.

        If synchronization is on again before Google has answered, the calendar may still vanish later.
        """
        self._status.set_details("Deleting our events")
        retire, summary = CalendarActivities.retire_calendar, f"Retire {self._request.owner}"
        signals_first = self._signals_first()
        blocker = await self._call_google(view, retire, summary, attempts=1 if signals_first else 0)
        if blocker and signals_first:
            blocker = await self._retire_and_signal(retire, summary)
        self._settles_at = workflow.now() + LATE_EFFECT_DELAY
        return blocker

    async def _retire_and_signal(self, retire: GoogleActivity, summary: str) -> Blocker | None:
        """Try again to delete the calendar, once each reservation knows that it has to delete its own events."""
        view = await self._view_calendar()
        if view.waiting or view.revision != view.applied_revision:
            await self._signal_reservations(view)
        return await self._call_google(view, retire, summary, until_changed=True)

    async def _view_calendar(self) -> CalendarView:
        return await workflow.execute_local_activity_method(
            CalendarActivities.view_calendar,
            ViewRequest(**dict(self._request), now=workflow.now()),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _call_google(  # noqa: PLR0913  the call, and how long it is tried
        self,
        view: CalendarView,
        method: GoogleActivity,
        summary: str,
        *,
        within: timedelta | None = None,
        attempts: int = 0,
        until_changed: bool = False,
    ) -> Blocker | None:
        """Call Google, and return why it failed in the end, None if it did not.

        With ``attempts`` it is tried so often. With ``until_changed`` it is interrupted once the settings have
        changed: the attempt in flight ends first.
        """
        interrupt = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        call = workflow.start_activity_method(
            method,
            self._request,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=within,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=2), maximum_attempts=attempts),
            cancellation_type=interrupt if until_changed else ActivityCancellationType.TRY_CANCEL,
            priority=google_priority(1, view.connection_id or "", calls=_CALLS),
            summary=summary,
        )
        failure: ActivityError | None = None
        try:
            if until_changed:
                await self._wait_for_call(call)
            await call
        except ActivityError as error:
            if is_cancelled_exception(error) and not self._interrupted:
                raise
            failure = error
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError  # the request has ended with the call that was being interrupted anyway
        return blocker_for_failure(failure) if failure else None

    async def _wait_for_call(self, call: ActivityHandle[None]) -> None:
        """Wait until the call has ended; interrupt it if the settings change meanwhile."""
        try:
            await workflow.wait_condition(lambda: call.done() or self._settings_changed)
            self._interrupted = not call.done()
        finally:
            call.cancel()

    async def _record_round(self, view: CalendarView, blocker: Blocker | None, *, left: bool) -> None:
        doing = f"Waiting: {blocker.reason}" if blocker else "The calendar is as it should be"
        if blocker and blocker.reason == STAGED_REASON:
            doing = self._status.doing
        self._status.set_health(blocker, doing)
        result = CalendarResult(
            **dict(self._request),
            revision=view.revision,
            grant_number=view.grant_number,
            due_at=self._due_at(blocker, left=left),
            reason=blocker.reason if blocker else None,
        )
        changed = await workflow.execute_local_activity_method(
            CalendarActivities.record_calendar,
            result,
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
        self._changed = self._changed or changed

    def _due_at(self, blocker: Blocker | None, *, left: bool) -> datetime | None:
        """Return when the sweep starts the workflow if it does not run: for what was left, it looks each day."""
        if blocker:
            return workflow.now() + blocker.look_again + TAKE_UP_MARGIN
        return workflow.now() + CALENDAR_CHECK_INTERVAL if left else None

    def _note_change(self) -> None:
        self._signals += 1
        self._changed = True

    async def _record_stop(self) -> None:
        self._status.set_health(STOPPED, "Stopped by an operator; a change or slotsync resume starts it again")
        await workflow.execute_local_activity_method(
            CalendarActivities.record_calendar_stop,
            CalendarStop(**dict(self._request), revision=None if self._changed else self._revision, now=workflow.now()),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _wait(self, blocker: Blocker | None) -> None:
        """Wait for a change, until the blocker may be gone, or until the calendar has to be looked at."""
        delay, summary = self._next_look(blocker)
        # ``needed`` does not end the wait for a blocker: with many reservations it would never wait then.
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._changed or (self._needed and not blocker) or self._is_full(),
                timeout=delay,
                timeout_summary=summary,
            )
            return
        self._check_due = self._check_due or not blocker

    def _next_look(self, blocker: Blocker | None) -> tuple[timedelta, str]:
        if blocker:
            return blocker.look_again, f"Look again: {blocker.reason}"
        if self._settles_at:
            late = max(self._settles_at - workflow.now(), timedelta())
            return min(late, LATE_EFFECT_DELAY), "Look for what Google created or deleted late"
        delay = CALENDAR_CHECK_INTERVAL * workflow.random().uniform(0.75, 1.25)
        return delay, "Look whether the calendar is still there"

    def _continue_as_new_if_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested() or self._is_full():
            workflow.continue_as_new(CalendarState(**dict(self._request), settles_at=self._settles_at))

    def _is_full(self) -> bool:
        """Return whether this run has had enough signals."""
        return self._signals >= MAX_SIGNALS_PER_RUN
