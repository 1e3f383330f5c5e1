"""Check that what is wanted is taken up: by workers of this instance, by the sweep, by workflows that can go on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionResult,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal.schedules import SWEEP, SWEEP_INTERVALS
from slotsync.temporal.search_attributes import TROUBLED
from starter.cli.findings import Finding
from starter.services.instance import InstanceCheck
from starter.services.intent import MESSAGES, OVERDUE_AFTER, IntentCounts

MISSED_SWEEPS: Final = 3
"""The number of intervals without a sweep after which something is wrong."""

SHOWN_STOPPED: Final = 5


def check_intent(store: Store, settings: Settings) -> Iterator[Finding]:
    """Yield what nobody has taken up, and what operators have stopped."""
    intents = IntentCounts(store, Vault(settings.encryption_keys))
    counts = intents.get(datetime.now(UTC))
    overdue = [f"{each.overdue} {each.kind}" for each in counts if each.overdue and each.kind != MESSAGES]
    stopped = [f"{each.stopped} {each.kind}" for each in counts if each.stopped]
    if overdue:
        minutes = round(OVERDUE_AFTER / timedelta(minutes=1))
        message = f"{', '.join(overdue)} have waited for more than {minutes} minutes"
        yield Finding(subject="intent", message=message, remedy="check that a worker runs and reaches Temporal")
    else:
        yield Finding(subject="intent", message="nothing waits that should not")
    if stopped:
        named = "; ".join(" ".join(map(str, key)) for key in intents.find_stopped(SHOWN_STOPPED))
        message = f"operators have stopped {', '.join(stopped)} ({named}); slotsync resume MERCHANT goes on with them"
        yield Finding(subject="stopped", message=message)


async def check_instance(client: Client, settings: Settings) -> Finding:
    """Return whether the workers use the same database and keys."""
    store = Store.open(settings.database_url)
    try:
        await InstanceCheck(client, store, Vault(settings.encryption_keys)).require()
    except SettingsError as error:
        return Finding(subject="instance", message=str(error), remedy="give all processes the same settings")
    except SQLAlchemyError as error:
        return Finding(subject="instance", message=f"is not known ({type(error).__name__})", remedy="see the database")
    finally:
        store.close()
    return Finding(subject="instance", message="no worker is known with other keys or another database")


async def check_sweeps(client: Client) -> list[Finding]:
    """Return whether both sweeps run as often as they should, and end well."""
    return [await _check_sweep(client, name) for name in SWEEP_INTERVALS]


async def _check_sweep(client: Client, name: str) -> Finding:
    subject = "sweep" if name == SWEEP else "full sweep"
    try:
        described = await client.get_schedule_handle(name).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Finding(subject=subject, message="has no Schedule", remedy="start a worker, which makes it")
    if described.schedule.state.paused:
        remedy = f"run: temporal schedule toggle --unpause --schedule-id {name}"
        return Finding(subject=subject, message="is paused", remedy=remedy)
    actions = described.info.recent_actions
    last = max((each.started_at for each in actions), default=described.info.created_at)
    late = datetime.now(UTC) - last > MISSED_SWEEPS * SWEEP_INTERVALS[name] + timedelta(minutes=1)
    failed = bool(actions) and await _has_failed(client, actions[-1])
    remedy = f"look at the Schedule {name} in Temporal's UI, and at the workers" if late or failed else ""
    end = ", and failed" if failed else ""
    return Finding(subject=subject, message=f"began last at {last:%Y-%m-%d %H:%M:%S} UTC{end}", remedy=remedy)


async def _has_failed(client: Client, run: ScheduleActionResult) -> bool:
    if not isinstance(run.action, ScheduleActionExecutionStartWorkflow):
        return False
    handle = client.get_workflow_handle(run.action.workflow_id, run_id=run.action.first_execution_run_id)
    try:
        status = (await handle.describe()).status
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return status not in {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.COMPLETED}


async def check_problems(client: Client) -> Finding:
    """Return whether Temporal reports workflows that cannot go on."""
    count = (await client.count_workflows(TROUBLED)).count
    if not count:
        return Finding(subject="workflows", message="none has a problem, as far as Temporal reports")
    remedy = f"look at them in Temporal's UI, by the query {TROUBLED}; the worker's log has the errors"
    return Finding(subject="workflows", message=f"{count} cannot go on", remedy=remedy)
