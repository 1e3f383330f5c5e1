"""Signal reservations that have to look at their calendar again."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.calendars import MAX_RESERVATIONS_PER_PAGE, CalendarActivities
    from activities.signals import ReservationSignals
    from slotsync.domain.calendars.messages import Backfill, CalendarRequest, OutOfStepPage
    from slotsync.domain.calendars.owner import ManagedCalendar
    from slotsync.domain.reservations.messages import LookAgainRequest
    from slotsync.temporal import queues
    from workflows.steps.workflow_status import WorkflowStatus

_LOCAL_ACTIVITY_TIMEOUT = timedelta(seconds=30)
_PAGE_TIMEOUT = timedelta(minutes=10)
_BATCH_TIMEOUT = timedelta(hours=1)
_HEARTBEAT_TIMEOUT = timedelta(seconds=30)
_BATCH_RETRY_POLICY = RetryPolicy(maximum_interval=timedelta(seconds=10))


async def signal_out_of_step(merchant: str, calendar: ManagedCalendar) -> None:
    """Signal the reservations that are out of step with the calendar, page by page, since there may be thousands."""
    page = OutOfStepPage(merchant=merchant, calendar=calendar, now=workflow.now())
    while waiting := await workflow.execute_local_activity_method(
        CalendarActivities.out_of_step_reservations, page, start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT
    ):
        await workflow.execute_activity_method(
            ReservationSignals.signal_reservations,
            LookAgainRequest(merchant=merchant, reservations=tuple(waiting)),
            task_queue=queues.LONG,
            start_to_close_timeout=_PAGE_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            summary=f"Signal {len(waiting)} reservations that wait for the calendar",
        )
        if len(waiting) < MAX_RESERVATIONS_PER_PAGE:
            return
        page = page.model_copy(update={"after": waiting[-1]})


async def back_fill(request: CalendarRequest, job_id: str, status: WorkflowStatus) -> None:
    """Signal every open reservation of the owner by one batch operation of Temporal's."""
    status.set_details(f"Back-fill: signalling every open reservation (batch {job_id})")
    progress = await workflow.execute_activity_method(
        ReservationSignals.signal_all_reservations,
        Backfill(merchant=request.merchant, owner=request.owner, job_id=job_id),
        task_queue=queues.LONG,
        start_to_close_timeout=_BATCH_TIMEOUT,
        heartbeat_timeout=_HEARTBEAT_TIMEOUT,
        retry_policy=_BATCH_RETRY_POLICY,
        summary="Signal every open reservation by a batch",
    )
    status.set_details(f"Back-fill: {progress.done} of {progress.total} open reservations signalled")
