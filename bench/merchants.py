"""Set up merchants with calendars that block their products, and measure their workflows and calls."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import psutil
from temporalio.api.enums.v1 import PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.workflow_ids import availability_id
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.temporal import queues
from slotsync.temporal.signals import signal_availability
from starter.local.dev import LocalParts, connect_merchant

MAX_PARALLEL_CALLS = 50
WAIT_TIMEOUT = timedelta(minutes=5)
CHECK_INTERVAL = timedelta(seconds=0.5)
MAX_HEARTBEAT_AGE = timedelta(seconds=30)


@dataclass(frozen=True)
class Merchant:
    """One account, its calendars and its products; each product is blocked by some of the calendars."""

    name: str
    products: Sequence[str]
    calendars: Sequence[str]

    @property
    def email(self) -> str:
        return f"{self.name}@gmail.example"

    def workflow_ids(self) -> list[str]:
        return [availability_id(self.name, each) for each in self.products]


async def create_merchant(parts: LocalParts, name: str, products: int, calendars: int) -> Merchant:
    """Create a merchant with a connected account and calendars that the merchant made."""
    merchant = Merchant(name, [f"product-{each}" for each in range(products)], ())
    await connect_merchant(parts, name, name, merchant.email, "Europe/Helsinki")
    async with httpx.AsyncClient(base_url=parts.google) as google:
        created = [
            (await google.post(f"/sandbox/accounts/{merchant.email}/calendars", json={"summary": f"Calendar {each}"}))
            for each in range(calendars)
        ]
    return Merchant(name, merchant.products, [str(each.raise_for_status().json()["id"]) for each in created])


def pick_calendars(merchant: Merchant, each_by: int) -> None:
    """Block each product by ``each_by`` of the calendars, so that each calendar blocks a product."""
    settings = Settings.load()
    store = Store.open(settings.database_url)
    picked, owners = BlockingCalendars(store, Vault(settings.encryption_keys)), Owners(store)
    for position, product in enumerate(merchant.products):
        ids = [merchant.calendars[(position * each_by + step) % len(merchant.calendars)] for step in range(each_by)]
        owners.put(merchant.name, Owner.product(product), OwnerSettings(name=product, sync=False))
        calendars = [PickableCalendar(id=each, name="Picked") for each in ids]
        picked.replace(merchant.name, Owner.product(product), calendars)
    store.close()


async def start_workflows(client: Client, merchants: Sequence[Merchant]) -> None:
    """Start the availability workflows of all products, in parallel."""
    await asyncio.gather(
        *(signal_availability(client, each.name, product) for each in merchants for product in each.products)
    )


@dataclass(frozen=True)
class WatchState:
    """The history length of a workflow, and whether a worker watches calendars for it."""

    history: int
    watched: bool


async def get_watch_states(client: Client, merchants: Sequence[Merchant]) -> list[WatchState]:
    limit = asyncio.Semaphore(MAX_PARALLEL_CALLS)

    async def describe(workflow: str) -> WatchState:
        async with limit:
            described = (await client.get_workflow_handle(workflow).describe()).raw_description
        started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        alive = datetime.now(UTC) - MAX_HEARTBEAT_AGE
        return WatchState(
            described.workflow_execution_info.history_length,
            any(
                each.state == started and each.last_heartbeat_time.ToDatetime(UTC) > alive
                for each in described.pending_activities
            ),
        )

    return list(await asyncio.gather(*(describe(each) for merchant in merchants for each in merchant.workflow_ids())))


async def wait_until_watched(client: Client, merchants: Sequence[Merchant]) -> None:
    """Wait until a worker watches calendars for every workflow."""

    async def all_watched() -> bool:
        return all(each.watched for each in await get_watch_states(client, merchants))

    await wait_until(all_watched)


async def has_workers(client: Client, workers: int) -> bool:
    """Return whether at least this number of workers poll for products to watch."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queues.LONG),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    return len((await client.workflow_service.describe_task_queue(request)).pollers) >= workers


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_TIMEOUT.total_seconds()):
        while not await condition():  # noqa: ASYNC110  other processes
            await asyncio.sleep(CHECK_INTERVAL.total_seconds())


async def get_call_times(parts: LocalParts, account: str = "", method: str = "") -> list[datetime]:
    """Return the times of calls, oldest first; of all accounts and methods where these are empty."""
    async with httpx.AsyncClient(base_url=parts.google, timeout=30) as google:
        answer = await google.get("/sandbox/calls", params={"account": account, "method": method})
    return [datetime.fromisoformat(each["time"]) for each in answer.raise_for_status().json()["items"]]


def find_workers() -> list[psutil.Process]:
    """Return the worker processes that this process started."""
    processes = psutil.Process().children(recursive=True)
    return [each for each in processes if each.cmdline()[-2:] == ["starter", "worker"]]
