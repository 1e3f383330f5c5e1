"""Check that what is wanted is taken up: by workers of this instance, by the sweep, by workflows that can go on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal.schedules import SWEEP, SWEEP_INTERVALS
from slotsync.temporal.search_attributes import TROUBLED
from starter.cli.findings import Finding
from starter.services.instance import InstanceCheck
from starter.services.intent import OVERDUE_AFTER, IntentCounts

MAX_SWEEP_DELAY: Final = 3 * SWEEP_INTERVALS[SWEEP] + timedelta(minutes=1)


def check_intent(store: Store, settings: Settings) -> Iterator[Finding]:
    """Yield what nobody has taken up, and what operators have stopped."""
    counts = IntentCounts(store, Vault(settings.encryption_keys)).get(datetime.now(UTC))
    overdue = [f"{each.overdue} {each.kind}" for each in counts if each.overdue]
    stopped = [f"{each.stopped} {each.kind}" for each in counts if each.stopped]
    if overdue:
        minutes = round(OVERDUE_AFTER / timedelta(minutes=1))
        message = f"{', '.join(overdue)} have waited for more than {minutes} minutes"
        yield Finding(subject="intent", message=message, remedy="check that a worker runs and reaches Temporal")
    else:
        yield Finding(subject="intent", message="nothing waits that should not")
    if stopped:
        message = f"operators have stopped {', '.join(stopped)}; slotsync resume MERCHANT goes on with them"
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


async def check_sweep(client: Client) -> Finding:
    """Return whether the sweep runs every few minutes."""
    try:
        described = await client.get_schedule_handle(SWEEP).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Finding(subject="sweep", message="has no Schedule", remedy="start a worker, which makes it")
    if described.schedule.state.paused:
        remedy = f"run: temporal schedule toggle --unpause --schedule-id {SWEEP}"
        return Finding(subject="sweep", message="is paused", remedy=remedy)
    last = max((each.started_at for each in described.info.recent_actions), default=described.info.created_at)
    if datetime.now(UTC) - last > MAX_SWEEP_DELAY:
        message = f"began last at {last:%Y-%m-%d %H:%M} UTC"
        return Finding(subject="sweep", message=message, remedy=f"look at the Schedule {SWEEP} in Temporal's UI")
    return Finding(subject="sweep", message=f"began last at {last:%H:%M:%S} UTC")


async def check_problems(client: Client) -> Finding:
    """Return whether Temporal reports workflows that cannot go on."""
    count = (await client.count_workflows(TROUBLED)).count
    if not count:
        return Finding(subject="workflows", message="none has a problem, as far as Temporal reports")
    remedy = f"look at them in Temporal's UI, by the query {TROUBLED}; the worker's log has the errors"
    return Finding(subject="workflows", message=f"{count} cannot go on", remedy=remedy)
