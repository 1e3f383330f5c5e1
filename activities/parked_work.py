"""Calling the workflows of a merchant when its grant has changed, all at once, by Temporal's batch signal."""

from temporalio import activity
from temporalio.client import Client

from activities.calling_all import call_all
from slotsync.rules.message import Message
from slotsync.temporal.visibility import quoted


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
        reason = f"The grant of {waking.merchant} has changed"
        return (await call_all(self._client, query_for(waking), job_id=job_id, reason=reason)).done

    async def _count(self, waking: Waking) -> int:
        return (await self._client.count_workflows(query_for(waking))).count


def query_for(waking: Waking) -> str:
    """The visibility query that finds them; the connection's own workflow is not meant."""
    whose = f"SlotsyncMerchant = {quoted(waking.merchant)} AND ExecutionStatus = 'Running'"
    parked = "" if waking.everyone else " AND SlotsyncHealth = 'parked'"
    return f"{whose}{parked} AND WorkflowType != 'ConnectionWorkflow'"
