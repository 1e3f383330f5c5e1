"""Telling a managed calendar's workflow what happened, from wherever it was seen."""

from typing import Literal

from temporalio.client import Client

from slotsync.rules.calendar_news import CalendarRequest
from slotsync.rules.workflow_ids import calendar_id
from slotsync.temporal import queues
from slotsync.temporal.attributes import whose

CalendarNews = Literal["settings_changed", "needed"]


async def tell_calendar(client: Client, request: CalendarRequest, news: CalendarNews) -> None:
    """Durable when it returns, whether the workflow ran or not. By name: activities do not know workflows."""
    await client.start_workflow(
        "ManagedCalendarWorkflow",
        request,
        id=calendar_id(request.merchant, request.owner),
        task_queue=queues.WORKFLOWS,
        start_signal=news,
        search_attributes=whose(request.merchant, [request.owner]),
        static_summary=f"Calendar of {request.merchant} for {request.owner}",
    )
