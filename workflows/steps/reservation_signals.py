"""Signal reservations to look at their calendar again."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.calendars import PAGE, CalendarActivities
    from activities.signals import ReservationSignals
    from slotsync.domain.calendars.messages import Backfill, CalendarRequest, OutOfStepPage
    from slotsync.domain.calendars.owner import ManagedCalendar
    from slotsync.domain.reservations.messages import LookAgainRequest
    from slotsync.temporal import queues
    from workflows.steps.workflow_status import WorkflowStatus

_LONG = timedelta(minutes=10)
_SILENCE = timedelta(seconds=30)
_BATCH_AFTER_BATCH = RetryPolicy(maximum_interval=timedelta(seconds=10))


async def call_out_of_step(merchant: str, calendar: ManagedCalendar) -> None:
    """Calls those that are not what the calendar should show: page by page, so that thousands may wait."""
    page = OutOfStepPage(merchant=merchant, calendar=calendar, now=workflow.now())
    while waiting := await workflow.execute_local_activity_method(
        CalendarActivities.out_of_step_reservations, page, start_to_close_timeout=_SILENCE
    ):
        await workflow.execute_activity_method(
            ReservationSignals.call_reservations,
            LookAgainRequest(merchant=merchant, reservations=tuple(waiting)),
            task_queue=queues.LONG,
            start_to_close_timeout=_LONG,
            heartbeat_timeout=_SILENCE,
            summary=f"Call {len(waiting)} reservations that wait for the calendar",
        )
        if len(waiting) < PAGE:
            return
        page = page.model_copy(update={"after": waiting[-1]})


async def back_fill(request: CalendarRequest, job_id: str, status: WorkflowStatus) -> None:
    """Calls every open reservation of the owner by one batch of Temporal's."""
    status.set_details(f"Back-fill: calling every open reservation (batch {job_id})")
    told = await workflow.execute_activity_method(
        ReservationSignals.call_all_reservations,
        Backfill(merchant=request.merchant, owner=request.owner, job_id=job_id),
        task_queue=queues.LONG,
        start_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=_SILENCE,
        retry_policy=_BATCH_AFTER_BATCH,
        summary="Call every open reservation by a batch",
    )
    status.set_details(f"Back-fill: {told.done} of {told.total} open reservations called")
