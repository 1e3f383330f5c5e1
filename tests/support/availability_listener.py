"""A workflow of the platform that subscribes to changes of availability."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from slotsync.domain.availability.messages import AvailabilityChangedSignal

LISTENER = "listener"


@workflow.defn(sandboxed=False)
class Listener:
    """Collects signals until it gets the stop signal."""

    def __init__(self) -> None:
        self._received: list[AvailabilityChangedSignal] = []
        self._stopped = False

    @workflow.run
    async def run(self) -> list[AvailabilityChangedSignal]:
        await workflow.wait_condition(lambda: self._stopped)
        return self._received

    @workflow.signal
    def availability_changed(self, received: AvailabilityChangedSignal) -> None:
        self._received.append(received)

    @workflow.signal
    def stop(self) -> None:
        self._stopped = True


@asynccontextmanager
async def listening(client: Client) -> AsyncIterator[WorkflowHandle[Listener, list[AvailabilityChangedSignal]]]:
    """Start a listener with its worker, and yield its handle."""
    worker = Worker(client, task_queue="platform", workflows=[Listener], workflow_runner=UnsandboxedWorkflowRunner())
    async with worker:
        yield await client.start_workflow(Listener.run, id=LISTENER, task_queue="platform")


async def received_by(
    listener: WorkflowHandle[Listener, list[AvailabilityChangedSignal]],
) -> list[AvailabilityChangedSignal]:
    """Stop the workflow, and return the signals that it received."""
    await listener.signal(Listener.stop)
    return await listener.result()
