"""What a database quotes in an error does not reach Temporal, which keeps failures readable in histories."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from slotsync.store.database.engine import Store
from slotsync.temporal.failures import TEXT_LEFT_OUT
from tests.support.temporal_servers import running_temporal_server

pytestmark = pytest.mark.anyio

GUEST = "Mervi Mokkilainen"
INCOMPLETE_ROW = text("INSERT INTO reservation (merchant, id, version, problem) VALUES ('m', 'R-1', 1, :guest)")


@workflow.defn(sandboxed=False)
class Writer:
    @workflow.run
    async def run(self) -> None:
        once = RetryPolicy(maximum_attempts=1)
        await workflow.execute_activity("write", retry_policy=once, start_to_close_timeout=timedelta(seconds=30))


async def test_a_row_that_the_database_quotes_is_in_no_failure(store: Store, database_url: str) -> None:
    errors: list[str] = []

    @activity.defn
    async def write() -> None:
        try:
            with store.write() as connection:
                connection.execute(INCOMPLETE_ROW, {"guest": GUEST})
        except IntegrityError as error:
            errors.append(str(error))
            raise

    async with (
        running_temporal_server() as client,
        Worker(client, task_queue="writes", workflows=[Writer], activities=[write]),
    ):
        started = await client.start_workflow(Writer.run, id="writer", task_queue="writes")
        with pytest.raises(WorkflowFailureError):
            await started.result()
        kept = (await started.fetch_history()).to_json()
    assert "parameters hidden" in errors[0]
    assert (GUEST in errors[0]) == (database_url.startswith("postgresql")), "PostgreSQL quotes the row"
    assert GUEST not in kept
    assert f"IntegrityError: {TEXT_LEFT_OUT}" in kept
    assert "test_failures.py" in kept, "the stack trace says where"
