"""Audits of managed calendars: what people did to our events is found, and put right or reported."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.calendars import CalendarActivities
    from activities.drift import DriftActivities
    from slotsync.domain.calendars.messages import AuditRequest, AuditResult, CalendarView, DriftSearch, ViewRequest
    from slotsync.domain.workflow_ids import audit_id, look_id
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from slotsync.temporal.signals import fairness_key
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT, blocker_for_failure, require_own_id
    from workflows.steps.workflow_status import WorkflowStatus

_ATTEMPT_TIMEOUT = timedelta(minutes=15)
_AUDIT_TIMEOUT = timedelta(hours=12)
"""The time for which one audit is tried: there is another one each night."""

_SIGNALLING_TIMEOUT = timedelta(hours=12)
_HEARTBEAT_TIMEOUT = timedelta(seconds=60)
_PRIORITY = 5
_CALLS = 3


@workflow.defn
class DriftAudit:
    """Looks once through the calendar of a product or resource."""

    def __init__(self) -> None:
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, request: AuditRequest) -> AuditResult:
        """Return what was found, or why nothing was looked through."""
        _require_own_id(request)
        view = await workflow.execute_local_activity_method(
            CalendarActivities.view_calendar,
            ViewRequest(merchant=request.merchant, owner=request.owner, now=workflow.now()),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
        if reason := _find_obstacle(view):
            return AuditResult(reason=reason)
        search = DriftSearch(**dict(request), now=workflow.now())
        try:
            result = await self._look(search, view)
        except ActivityError as error:
            blocker = blocker_for_failure(error)
            return AuditResult(reason=blocker.reason if blocker else "cancelled")
        if result.repaired or result.told:
            await self._signal(search)
        return result

    async def _look(self, search: DriftSearch, view: CalendarView) -> AuditResult:
        self._status.set_details("Looking for drift")
        return await workflow.execute_activity_method(
            DriftActivities.find_drift,
            search,
            task_queue=queues.GOOGLE,
            start_to_close_timeout=_ATTEMPT_TIMEOUT,
            schedule_to_close_timeout=_AUDIT_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=10)),
            priority=google_priority(_PRIORITY, view.connection_id or "", calls=_CALLS),
            summary=f"Look through {search.owner}",
        )

    async def _signal(self, search: DriftSearch) -> None:
        self._status.set_details("Signalling the reservations that write anew")
        await workflow.execute_activity_method(
            DriftActivities.signal_drifted,
            search,
            task_queue=queues.LONG,
            start_to_close_timeout=_SIGNALLING_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
            priority=Priority(fairness_key=fairness_key(search.merchant)),
            summary="Signal the reservations that write anew",
        )


def _require_own_id(request: AuditRequest) -> None:
    """Check that the workflow's id is that of its calendar; what only looks had the id of audits, formerly."""
    looking = look_id(request.merchant, request.owner)
    if not (request.only_looks and workflow.info().workflow_id == looking):
        require_own_id(audit_id(request.merchant, request.owner))


def _find_obstacle(view: CalendarView) -> str:
    """Return why the calendar cannot be looked through now, an empty text if it can."""
    if view.closing_reason or not view.sync:
        return "off"
    if not view.connection_id:
        return view.refusal or "no_connection"
    return "" if view.calendar_id else "no_calendar"


@workflow.defn
class NightlyAudits:
    """Starts the audits of all managed calendars. A Schedule starts it each night."""

    @workflow.run
    async def run(self) -> int:
        """Return how many were started."""
        return await workflow.execute_activity_method(
            DriftActivities.start_audits,
            task_queue=queues.LONG,
            start_to_close_timeout=_SIGNALLING_TIMEOUT,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
            summary="Start an audit of each calendar",
        )
