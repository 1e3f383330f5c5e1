"""Sweeps, without waiting for their schedule."""

from slotsync.domain.sweep import SweepRequest, SweepResult
from slotsync.temporal import queues
from tests.support.world import World
from workflows.sweep import SweepWorkflow


async def sweep(world: World, *, everything: bool = False) -> SweepResult:
    """Sweep once, and return what was found."""
    return await world.client.execute_workflow(
        SweepWorkflow.run,
        SweepRequest(everything=everything),
        id="a sweep",
        task_queue=queues.WORKFLOWS,
    )
