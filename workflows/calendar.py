"""The making of a managed calendar: one workflow per product or resource, so that there is never a second one."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.calendars import (
        PAGE,
        CalendarActivities,
        CalendarRequest,
        Call,
        ReservationCalls,
        WaitingPage,
    )
    from slotsync.rules.holding import NO_CONNECTION, Hold
    from slotsync.rules.owner import ManagedCalendar
    from slotsync.temporal import queues
    from workflows.display import Display
    from workflows.event_writes import hold_of

LATE = timedelta(minutes=5)
"""Longer than any call to Google can take."""

_SHORT = timedelta(seconds=30)
_ATTEMPT = timedelta(minutes=3)
_SILENCE = timedelta(seconds=25)


@workflow.defn
class ManagedCalendarWorkflow:
    """Finds or makes the calendar of one product or resource, then calls the reservations that wait for it."""

    @workflow.init
    def __init__(self, request: CalendarRequest) -> None:
        self._request = request
        self._news = False
        self._display = Display()

    @workflow.run
    async def run(self, request: CalendarRequest) -> str:  # noqa: ARG002  Temporal hands it to __init__ and to run
        """Answers with the calendar's id in Google; empty when synchronization is off."""
        while True:
            self._news = False
            calendar = await self._look_up()
            if calendar.settings.sync and not calendar.calendar_id:
                if hold := await self._make(calendar):
                    await self._wait_out(hold)
                continue
            await self._call_waiting()
            if not calendar.calendar_id:
                return "synchronization is off"
            if await self._is_the_only_one(calendar):
                return calendar.calendar_id

    @workflow.signal
    def look_again(self) -> None:
        """Something has changed: a grant is back, settings are new."""
        self._news = True

    async def _look_up(self) -> ManagedCalendar:
        return await workflow.execute_local_activity_method(
            CalendarActivities.look_up_calendar, self._request, start_to_close_timeout=_SHORT
        )

    async def _make(self, calendar: ManagedCalendar) -> Hold | None:
        self._display.says("Finding or making the calendar")
        return await self._in_google(
            calendar, CalendarActivities.ensure_calendar, f"Find or make the calendar of {self._request.owner}"
        )

    async def _is_the_only_one(self, calendar: ManagedCalendar) -> bool:
        """Looks for a twin some minutes later; whether the calendar is still the owner's."""
        self._display.says("Looking for a twin, once Google has carried out all that it may still do late")
        await workflow.sleep(LATE, summary="Google may carry out late a creation that seemed to fail")
        await self._in_google(calendar, CalendarActivities.remove_twins, "Remove an empty twin, if there is one")
        return (await self._look_up()).calendar_id == calendar.calendar_id

    async def _in_google(
        self, calendar: ManagedCalendar, task: Callable[[CalendarActivities, CalendarRequest], str], summary: str
    ) -> Hold | None:
        if not calendar.connection_id:
            return NO_CONNECTION
        try:
            await workflow.execute_activity_method(
                task,
                self._request,
                task_queue=queues.GOOGLE,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=_SILENCE,
                retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=2)),
                priority=Priority(priority_key=1, fairness_key=calendar.connection_id),
                summary=summary,
            )
        except ActivityError as error:
            return hold_of(error)
        return None

    async def _wait_out(self, hold: Hold) -> None:
        self._display.turned_out(hold, f"No calendar yet: {hold.reason}")
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._news, timeout=hold.look_again, timeout_summary=f"Look again: {hold.reason}"
            )

    async def _call_waiting(self) -> None:
        """Calls page by page, so that thousands may wait."""
        self._display.turned_out(None, "Calling the reservations that wait for the calendar")
        page = WaitingPage(request=self._request)
        while waiting := await workflow.execute_local_activity_method(
            CalendarActivities.waiting_reservations, page, start_to_close_timeout=_SHORT
        ):
            await workflow.execute_activity_method(
                ReservationCalls.call_reservations,
                Call(merchant=self._request.merchant, reservations=tuple(waiting)),
                task_queue=queues.LONG,
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=timedelta(seconds=30),
                summary=f"Call {len(waiting)} reservations that wait for the calendar",
            )
            if len(waiting) < PAGE:
                return
            page = WaitingPage(request=self._request, after=waiting[-1])
