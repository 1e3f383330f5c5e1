"""Merchants with calendars that block their products, and what is measured of them."""

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

AT_ONCE = 50


@dataclass(frozen=True)
class Merchant:
    """One account, its calendars and its products; each product is blocked by some of the calendars."""

    name: str
    products: Sequence[str]
    calendars: Sequence[str]

    @property
    def email(self) -> str:
        return f"{self.name}@gmail.example"

    def workflows(self) -> list[str]:
        return [availability_id(self.name, each) for each in self.products]


async def open_merchant(parts: LocalParts, name: str, products: int, calendars: int) -> Merchant:
    """A merchant with a connected account and calendars made by hand."""
    named = Merchant(name, [f"product-{each}" for each in range(products)], ())
    await connect_merchant(parts, name, named.email, "Europe/Helsinki")
    async with httpx.AsyncClient(base_url=parts.google) as google:
        made = [
            (await google.post(f"/sandbox/accounts/{named.email}/calendars", json={"summary": f"Calendar {each}"}))
            for each in range(calendars)
        ]
    return Merchant(name, named.products, [str(each.raise_for_status().json()["id"]) for each in made])


def pick(merchant: Merchant, each_by: int) -> None:
    """Has every product blocked by so many of the calendars, and every calendar block some product."""
    settings = Settings.load()
    store = Store.open(settings.database_url)
    picked, owners = BlockingCalendars(store, Vault(settings.encryption_keys)), Owners(store)
    for place, product in enumerate(merchant.products):
        own = [merchant.calendars[(place * each_by + step) % len(merchant.calendars)] for step in range(each_by)]
        owners.put(merchant.name, Owner.product(product), OwnerSettings(name=product, sync=False))
        calendars = [PickableCalendar(id=each, name="Picked") for each in own]
        picked.pick(merchant.name, Owner.product(product), calendars)
    store.close()


async def start(client: Client, merchants: Sequence[Merchant]) -> None:
    """Starts all their workflows at once."""
    await asyncio.gather(
        *(signal_availability(client, each.name, product) for each in merchants for product in each.products)
    )


@dataclass(frozen=True)
class SyncStatus:
    """How a workflow stands: how long its history is, and whether somebody watches for it."""

    history: int
    watched: bool


async def standings(client: Client, merchants: Sequence[Merchant]) -> list[SyncStatus]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def of(workflow: str) -> SyncStatus:
        async with limit:
            described = (await client.get_workflow_handle(workflow).describe()).raw_description
        started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        alive = datetime.now(UTC) - timedelta(seconds=30)
        return SyncStatus(
            described.workflow_execution_info.history_length,
            any(
                each.state == started and each.last_heartbeat_time.ToDatetime(UTC) > alive
                for each in described.pending_activities
            ),
        )

    return list(await asyncio.gather(*(of(each) for merchant in merchants for each in merchant.workflows())))


async def until_watched(client: Client, merchants: Sequence[Merchant]) -> None:
    """Waits until somebody watches for every workflow."""

    async def all_watched() -> bool:
        return all(each.watched for each in await standings(client, merchants))

    await until(all_watched)


async def are_working(client: Client, workers: int) -> bool:
    """Whether so many workers wait for products to watch."""
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queues.LONG),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    return len((await client.workflow_service.describe_task_queue(asked)).pollers) >= workers


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(300):
        while not await condition():  # noqa: ASYNC110  other processes
            await asyncio.sleep(0.5)


async def calls_of(parts: LocalParts, account: str = "", method: str = "") -> list[datetime]:
    """When calls were made for the account, oldest first."""
    async with httpx.AsyncClient(base_url=parts.google, timeout=30) as google:
        told = await google.get("/sandbox/calls", params={"account": account, "method": method})
    return [datetime.fromisoformat(each["time"]) for each in told.raise_for_status().json()["items"]]


def workers() -> list[psutil.Process]:
    """The worker processes that this one started."""
    family = psutil.Process().children(recursive=True)
    return [each for each in family if each.cmdline()[-2:] == ["starter", "worker"]]
