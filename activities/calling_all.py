"""Calling every workflow that a query finds, by one batch of Temporal's, until all have been told."""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from slotsync.temporal.batch import BatchProgress, batch_progress, signal_all

LOOK = timedelta(milliseconds=200)
"""How often a batch is looked at; the first batch of a shop ends within a second."""


async def call_all(client: Client, query: str, *, job_id: str, reason: str) -> BatchProgress:
    """How many were told to look again. Heartbeats; a batch with this id that runs already is waited for."""
    progress = await batch_progress(client, job_id) or await _start(client, query, job_id, reason)
    while progress.running:
        activity.heartbeat(progress.done)
        await asyncio.sleep(LOOK.total_seconds())
        progress = await batch_progress(client, job_id) or progress
    return progress


async def _start(client: Client, query: str, job_id: str, reason: str) -> BatchProgress:
    found = (await client.count_workflows(query)).count
    if found and not await signal_all(client, query, "look_again", job_id=job_id, reason=reason):
        raise ApplicationError("Temporal has to end another batch first", type="BatchesBusy")
    return BatchProgress(total=found, done=0, failed=0, running=bool(found))
