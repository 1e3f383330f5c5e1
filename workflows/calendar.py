"""A managed calendar: one workflow per product or resource, so there is never a second calendar."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.calendars import CalendarActivities
    from slotsync.domain.calendars.creation_limit import PERMIT_VALIDITY, permit_blocker
    from slotsync.domain.calendars.messages import CalendarProgress, CalendarRequest, PermitRequest
    from slotsync.domain.calendars.owner import ManagedCalendar
    from slotsync.domain.health import NO_CONNECTION, Blocker
    from slotsync.temporal import queues
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
    from workflows.steps.event_writes import blocker_for_failure
    from workflows.steps.reservation_signals import back_fill, signal_out_of_step
    from workflows.steps.workflow_status import WorkflowStatus

DUPLICATE_CHECK_DELAY = timedelta(minutes=5)
"""Longer than any call to Google can take."""

CALENDAR_CHECK_INTERVAL = timedelta(days=1)

_LOCAL_ACTIVITY_TIMEOUT = timedelta(seconds=30)
_ATTEMPT_TIMEOUT = timedelta(minutes=3)
_HEARTBEAT_TIMEOUT = timedelta(seconds=25)

GoogleActivity = Callable[[CalendarActivities, CalendarRequest], str]


@workflow.defn
class ManagedCalendarWorkflow:
    """Creates the calendar of one product or resource, keeps it like its owner, and deletes it if that is wanted."""

    @workflow.init
    def __init__(self, request: CalendarRequest) -> None:
        self._request = request
        self._settings_changed = False
        self._needed = False
        self._look_again = False
        self._just_created = False
        self._signals = 0
        self._backfill_job = ""
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: CalendarRequest) -> str:  # noqa: ARG002  Temporal hands it to __init__ and to run
        """Do round after round, until synchronization is off."""
        while True:
            self._look_again = self._needed = False
            calendar = await self._read_calendar()
            if not calendar.settings.sync:
                blocker = await self._retire(calendar)
                if not (blocker or self._look_again or self._settings_changed):
                    return "synchronization is off"
            elif calendar.calendar_id:
                blocker = await self._update(calendar)
            else:
                blocker = await self._create(calendar)
            if blocker:
                await self._wait_for_unblocking(blocker)
            else:
                await self._wait_for_change()
            self._continue_as_new_if_long()

    @workflow.signal
    def settings_changed(self) -> None:
        """Have the owner's reservations look again: its settings or a switch have changed."""
        self._signals += 1
        self._settings_changed = self._look_again = True

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round, since a possible blocker is gone: there is a grant again."""
        self._signals += 1
        self._look_again = True

    @workflow.signal
    def needed(self) -> None:
        """Begin another round: a reservation found no calendar, which may have been deleted in Google."""
        self._signals += 1
        self._needed = True

    @workflow.query
    def progress(self) -> CalendarProgress:
        """Return what the workflow does now."""
        return CalendarProgress(health=self._status.health, doing=self._status.doing, backfill_job=self._backfill_job)

    async def _create(self, calendar: ManagedCalendar) -> Blocker | None:
        """Find or create the calendar, once it has a permit, then signal the reservations that wait for it."""
        if not calendar.connection_id:
            return NO_CONNECTION
        permit = PermitRequest(request=self._request, now=workflow.now())
        place = await workflow.execute_local_activity_method(
            CalendarActivities.request_permit, permit, start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT
        )
        if place.at > permit.now:  # not compared with the time now: a request that was too early got no permit
            self._status.set_details(_describe_place(place.position, place.at))
            return permit_blocker(place, permit.now)
        self._status.set_details("Finding or making the calendar")
        ensure = CalendarActivities.ensure_calendar
        summary = f"Find or make {self._request.owner}"
        if blocker := await self._call_google(calendar, ensure, summary, within=PERMIT_VALIDITY):
            return blocker
        self._just_created = True
        await self._signal_reservations(await self._read_calendar())
        return None

    async def _update(self, calendar: ManagedCalendar) -> Blocker | None:
        """Check that the calendar exists, and give it the properties that its owner has now."""
        self._status.set_details("Looking whether the calendar is as it should be")
        if self._just_created:
            await self._call_google(
                calendar, CalendarActivities.remove_duplicates, "Remove an empty duplicate, if there is one"
            )
        self._just_created = False
        update = CalendarActivities.update_calendar
        if blocker := await self._call_google(calendar, update, f"Update {self._request.owner}"):
            return blocker
        updated = await self._read_calendar()
        if updated.settings.sync and updated.calendar_id:
            await self._signal_reservations(updated)
        else:
            self._look_again = True
        return None

    async def _retire(self, calendar: ManagedCalendar) -> Blocker | None:
        """Signal reservations that synchronization is off, and delete our events if the merchant wants that."""
        await self._signal_reservations(calendar)
        if not (calendar.removing and calendar.calendar_id):
            return None
        self._status.set_details("Deleting our events")
        return await self._call_google(calendar, CalendarActivities.retire_calendar, f"Retire {self._request.owner}")

    async def _signal_reservations(self, calendar: ManagedCalendar) -> None:
        """Signal the reservations that are out of step with the calendar, and all of them after a change."""
        self._status.set_health(None, "Signalling the reservations that wait for the calendar")
        changed, self._settings_changed = self._settings_changed, False
        if changed and (calendar.settings.sync or calendar.removing):
            self._backfill_job = f"backfill-{workflow.uuid4()}"
            await back_fill(self._request, self._backfill_job, self._status)
        await signal_out_of_step(self._request.merchant, calendar)

    async def _read_calendar(self) -> ManagedCalendar:
        return await workflow.execute_local_activity_method(
            CalendarActivities.look_up_calendar, self._request, start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT
        )

    async def _call_google(
        self, calendar: ManagedCalendar, method: GoogleActivity, summary: str, within: timedelta | None = None
    ) -> Blocker | None:
        if not calendar.connection_id:
            return NO_CONNECTION
        try:
            await workflow.execute_activity_method(
                method,
                self._request,
                task_queue=queues.GOOGLE,
                start_to_close_timeout=_ATTEMPT_TIMEOUT,
                schedule_to_close_timeout=within,
                heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=2)),
                priority=Priority(priority_key=1, fairness_key=calendar.connection_id),
                summary=summary,
            )
        except ActivityError as error:
            return blocker_for_failure(error)
        return None

    async def _wait_for_unblocking(self, blocker: Blocker) -> None:
        """Wait until the blocker may be gone. A signal that only says that the calendar is needed changes nothing."""
        doing = self._status.doing if blocker.reason == "staged" else f"Waiting: {blocker.reason}"
        self._status.set_health(blocker, doing)
        with suppress(TimeoutError):
            await workflow.wait_condition(
                # Not for changed settings: without a connection they cannot be served, and each wait would end at once.
                lambda: self._look_again,
                timeout=blocker.look_again,
                timeout_summary=f"Look again: {blocker.reason}",
            )

    async def _wait_for_change(self) -> None:
        self._status.set_health(None, "The calendar is as it should be")
        if self._just_created:
            delay, summary = DUPLICATE_CHECK_DELAY, "Look for a duplicate that Google created late"
        else:
            delay = CALENDAR_CHECK_INTERVAL * workflow.random().uniform(0.75, 1.25)
            summary = "Look whether the calendar is still there"
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._look_again or self._settings_changed or self._needed,
                timeout=delay,
                timeout_summary=summary,
            )

    def _continue_as_new_if_long(self) -> None:
        long = workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN
        if long and not (self._settings_changed or self._just_created):
            workflow.continue_as_new(self._request)


def _describe_place(position: int, at: datetime) -> str:
    return (
        f"Number {position} in line for a new calendar: about {at:%Y-%m-%d %H:%M} UTC, since Google allows few at once"
    )
