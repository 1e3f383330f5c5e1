"""Calling the workflows of a merchant when its grant has changed, all at once, by Temporal's batch signal."""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from slotsync.rules.message import Message
from slotsync.temporal.batch import BatchProgress, batch_progress, signal_all
from slotsync.temporal.visibility import quoted

LOOK = timedelta(seconds=0.2)


class Waking(Message):
    """Whose workflows are called: those that are parked, or all of them."""

    merchant: str
    everyone: bool = False


class ParkedWork:
    """Finds and calls what waits for a grant."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @activity.defn
    async def count_parked(self, merchant: str) -> int:
        """How many workflows of the merchant are parked, as far as Temporal's visibility knows."""
        return await self._count(Waking(merchant=merchant))

    @activity.defn
    async def wake(self, waking: Waking) -> int:
        """How many workflows have been told to look again."""
        job_id = f"wake:{activity.info().workflow_run_id}:{activity.info().activity_id}"
        progress = await batch_progress(self._client, job_id) or await self._start(job_id, waking)
        while progress.running:
            activity.heartbeat(progress.done)
            await asyncio.sleep(LOOK.total_seconds())
            progress = await batch_progress(self._client, job_id) or progress
        return progress.done

    async def _start(self, job_id: str, waking: Waking) -> BatchProgress:
        found = await self._count(waking)
        if found:
            reason = f"The grant of {waking.merchant} has changed"
            if not await signal_all(self._client, query_for(waking), "look_again", job_id=job_id, reason=reason):
                raise ApplicationError("Temporal has to end another batch first", type="BatchesBusy")
        return BatchProgress(total=found, done=0, failed=0, running=bool(found))

    async def _count(self, waking: Waking) -> int:
        return (await self._client.count_workflows(query_for(waking))).count


def query_for(waking: Waking) -> str:
    """The visibility query that finds them; the connection's own workflow is not meant."""
    whose = f"SlotsyncMerchant = {quoted(waking.merchant)} AND ExecutionStatus = 'Running'"
    parked = "" if waking.everyone else " AND SlotsyncHealth = 'parked'"
    return f"{whose}{parked} AND WorkflowType != 'ConnectionWorkflow'"
