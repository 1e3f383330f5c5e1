"""The life of a managed calendar: one workflow per product or resource, so there is never a second calendar."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.calendars import CalendarActivities
    from slotsync.domain.calendars.creation_limit import VALIDITY, waiting_for_permit
    from slotsync.domain.calendars.messages import CalendarProgress, CalendarRequest, PermitRequest
    from slotsync.domain.calendars.owner import ManagedCalendar
    from slotsync.domain.health import NO_CONNECTION, Blocker
    from slotsync.temporal import queues
    from workflows.steps.event_writes import blocker_for_failure
    from workflows.steps.reservation_signals import back_fill, call_out_of_step
    from workflows.steps.workflow_status import WorkflowStatus

DUPLICATE_CHECK_DELAY = timedelta(minutes=5)
"""Longer than any call to Google can take."""

CALENDAR_CHECK_INTERVAL = timedelta(days=1)
MAX_SIGNALS_PER_RUN = 2000

_SHORT = timedelta(seconds=30)
_ATTEMPT = timedelta(minutes=3)
_SILENCE = timedelta(seconds=25)

Task = Callable[[CalendarActivities, CalendarRequest], str]


@workflow.defn
class ManagedCalendarWorkflow:
    """Makes the calendar of one product or resource, keeps it as its owner is, and takes it away when told to."""

    @workflow.init
    def __init__(self, request: CalendarRequest) -> None:
        self._request = request
        self._changed = False
        self._needed = False
        self._news = False
        self._new = False
        self._signals = 0
        self._backfill_job = ""
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: CalendarRequest) -> str:  # noqa: ARG002  Temporal hands it to __init__ and to run
        """Goes round after round, until synchronization is off."""
        while True:
            self._news = self._needed = False
            calendar = await self._look_up()
            if not calendar.settings.sync:
                hold = await self._let_go(calendar)
                if not (hold or self._news or self._changed):
                    return "synchronization is off"
            elif calendar.calendar_id:
                hold = await self._keep(calendar)
            else:
                hold = await self._make(calendar)
            if hold:
                await self._wait_out(hold)
            else:
                await self._wait_for_news()
            self._start_over_if_long()

    @workflow.signal
    def settings_changed(self) -> None:
        """The owner's settings or a switch are not what they were: its reservations have to look again."""
        self._signals += 1
        self._changed = self._news = True

    @workflow.signal
    def look_again(self) -> None:
        """Something that the calendar may wait for has changed: a grant is back."""
        self._signals += 1
        self._news = True

    @workflow.signal
    def needed(self) -> None:
        """A reservation found no calendar: perhaps it was deleted in Google."""
        self._signals += 1
        self._needed = True

    @workflow.query
    def progress(self) -> CalendarProgress:
        """What the workflow does now."""
        return CalendarProgress(health=self._status.health, doing=self._status.doing, backfill_job=self._backfill_job)

    async def _make(self, calendar: ManagedCalendar) -> Blocker | None:
        """Finds or makes the calendar, once it is its turn, then calls those that wait for it."""
        if not calendar.connection_id:
            return NO_CONNECTION
        asked = PermitRequest(request=self._request, now=workflow.now())
        turn = await workflow.execute_local_activity_method(
            CalendarActivities.request_permit, asked, start_to_close_timeout=_SHORT
        )
        if turn.at > asked.now:  # not later: nothing was given to who asked too early
            self._status.set_details(_in_line(turn.position, turn.at))
            return waiting_for_permit(turn, asked.now)
        self._status.set_details("Finding or making the calendar")
        ensure = CalendarActivities.ensure_calendar
        if hold := await self._in_google(calendar, ensure, f"Find or make {self._request.owner}", within=VALIDITY):
            return hold
        self._new = True
        await self._serve(await self._look_up())
        return None

    async def _keep(self, calendar: ManagedCalendar) -> Blocker | None:
        """Sees to it that the calendar is there, and is what its owner is now."""
        self._status.set_details("Looking whether the calendar is as it should be")
        if self._new:
            await self._in_google(
                calendar, CalendarActivities.remove_duplicates, "Remove an empty twin, if there is one"
            )
        self._new = False
        if hold := await self._in_google(calendar, CalendarActivities.keep_calendar, f"Keep {self._request.owner}"):
            return hold
        kept = await self._look_up()
        if kept.settings.sync and kept.calendar_id:
            await self._serve(kept)
        else:
            self._news = True
        return None

    async def _let_go(self, calendar: ManagedCalendar) -> Blocker | None:
        """Tells reservations that synchronization is off, and takes our events away if the merchant wants that."""
        await self._serve(calendar)
        if not (calendar.removing and calendar.calendar_id):
            return None
        self._status.set_details("Taking our events away")
        return await self._in_google(calendar, CalendarActivities.retire_calendar, f"Retire {self._request.owner}")

    async def _serve(self, calendar: ManagedCalendar) -> None:
        """Calls the reservations that are out of step with the calendar, and all of them after a change."""
        self._status.set_health(None, "Calling the reservations that wait for the calendar")
        changed, self._changed = self._changed, False
        if changed and (calendar.settings.sync or calendar.removing):
            self._backfill_job = f"backfill-{workflow.uuid4()}"
            await back_fill(self._request, self._backfill_job, self._status)
        await call_out_of_step(self._request.merchant, calendar)

    async def _look_up(self) -> ManagedCalendar:
        return await workflow.execute_local_activity_method(
            CalendarActivities.look_up_calendar, self._request, start_to_close_timeout=_SHORT
        )

    async def _in_google(
        self, calendar: ManagedCalendar, task: Task, summary: str, within: timedelta | None = None
    ) -> Blocker | None:
        if not calendar.connection_id:
            return NO_CONNECTION
        try:
            await workflow.execute_activity_method(
                task,
                self._request,
                task_queue=queues.GOOGLE,
                start_to_close_timeout=_ATTEMPT,
                schedule_to_close_timeout=within,
                heartbeat_timeout=_SILENCE,
                retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=2)),
                priority=Priority(priority_key=1, fairness_key=calendar.connection_id),
                summary=summary,
            )
        except ActivityError as error:
            return blocker_for_failure(error)
        return None

    async def _wait_out(self, hold: Blocker) -> None:
        """Until the cause may be gone. What only says that the calendar is needed is known already."""
        self._status.set_health(hold, self._status.doing if hold.reason == "staged" else f"Waiting: {hold.reason}")
        with suppress(TimeoutError):
            await workflow.wait_condition(
                # Not for a change: one that cannot be served yet, without a connection, would end every wait at once.
                lambda: self._news,
                timeout=hold.look_again,
                timeout_summary=f"Look again: {hold.reason}",
            )

    async def _wait_for_news(self) -> None:
        self._status.set_health(None, "The calendar is as it should be")
        due = DUPLICATE_CHECK_DELAY if self._new else CALENDAR_CHECK_INTERVAL * workflow.random().uniform(0.75, 1.25)
        summary = "Look for a twin that Google made late" if self._new else "Look whether the calendar is still there"
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._news or self._changed or self._needed, timeout=due, timeout_summary=summary
            )

    def _start_over_if_long(self) -> None:
        long = workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN
        if long and not (self._changed or self._new):
            workflow.continue_as_new(self._request)


def _in_line(position: int, at: datetime) -> str:
    return (
        f"Number {position} in line for a new calendar: about {at:%Y-%m-%d %H:%M} UTC, since Google allows few at once"
    )
