"""What is reported while the last write of a cancelled workflow ends is newer than the stop, and is written."""

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowExecutionStatus

from slotsync.clock import utc_now
from slotsync.domain.workflow_ids import reservation_id
from starter.services.intent import IntentCounts
from tests.support.buttons import has_status, pending_activities
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

CANCELED = WorkflowExecutionStatus.CANCELED
SLOW_CALL_SECONDS = 4
WORKFLOW = reservation_id(MERCHANT, "R-1")


async def test_what_is_reported_while_a_cancelled_write_ends_is_not_stopped(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        await world.fault(method="events.update", kind="slow", seconds=SLOW_CALL_SECONDS, count=1)
        await world.slotsync.report(snapshot(2))
        await until(lambda: is_being_written(world))
        await world.client.get_workflow_handle(WORKFLOW).cancel()
        await until(lambda: is_to_end(world))  # else both come in one task, in which signals are first
        await world.slotsync.report(snapshot(3))
        assert not await has_status(world.client, WORKFLOW, CANCELED), "the write ended before the report"
        await until(lambda: has_status(world.client, WORKFLOW, CANCELED))
        assert [each for each in IntentCounts(world.store, world.vault).get(utc_now()) if each.stopped] == []
        await sweep(world)
        await world.settled(3)
    assert await world.titles() == ["v3"]


async def is_to_end(world: World) -> bool:
    """Return whether the workflow has asked the attempt in flight to end."""
    requested = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
    return any(each.state == requested for each in await pending_activities(world.client, WORKFLOW))


async def is_being_written(world: World) -> bool:
    """Return whether an attempt is in flight."""
    return any(each.HasField("last_started_time") for each in await pending_activities(world.client, WORKFLOW))
