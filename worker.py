"""The worker process."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from temporalio.client import Client
from temporalio.worker import Worker

from activities.bootstrap import Activities, all_activities
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal import queues
from slotsync.temporal.options import connect, runtime_with_metrics
from slotsync.temporal.queues import limit_google_calls
from slotsync.temporal.search_attributes import register_attributes
from workflows.availability import ProductAvailabilityWorkflow
from workflows.calendar import ManagedCalendarWorkflow
from workflows.connection import ConnectionWorkflow
from workflows.reservation import ReservationWorkflow

logger = logging.getLogger(__name__)

SHORT_SLOTS = 16
GOOGLE_SLOTS = 32
LONG_SLOTS = 5000
"""One for each product that is watched, and some for what is told meanwhile; each takes little but memory."""

BUILD = version("slotsync")
"""Named, since the SDK would otherwise hash every loaded module at each start (measured: 2.4 s)."""

SHUTDOWN_TIMEOUT = timedelta(seconds=30)
"""Longer than a call to Google may take."""


@asynccontextmanager
async def running_workers(client: Client, settings: Settings, store: Store, vault: Vault) -> AsyncIterator[None]:
    """Run the three workers until the block ends and what they do has ended."""
    async with all_activities(client, settings, store, vault) as activities, AsyncExitStack() as stack:
        for worker in (_workflow_worker, _google_worker, _long_worker):
            await stack.enter_async_context(worker(client, activities))
        yield


def _workflow_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.WORKFLOWS,
        build_id=BUILD,
        workflows=[ReservationWorkflow, ManagedCalendarWorkflow, ConnectionWorkflow, ProductAvailabilityWorkflow],
        activities=[
            activities.reservations.read_inputs,
            activities.reservations.record_result,
            activities.calendars.look_up_calendar,
            activities.calendars.request_permit,
            activities.calendars.out_of_step_reservations,
            activities.calendar_signals.signal_needed,
            activities.connections.begin_disconnection,
            activities.connections.finish_disconnection,
            activities.availability.publish_availability,
        ],
        activity_executor=_threads(SHORT_SLOTS, "short"),
        max_concurrent_activities=SHORT_SLOTS,
        max_concurrent_local_activities=SHORT_SLOTS,
        graceful_shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


def _google_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.GOOGLE,
        build_id=BUILD,
        activities=[
            activities.events.put_event,
            activities.events.delete_event,
            activities.calendars.ensure_calendar,
            activities.calendars.update_calendar,
            activities.calendars.remove_duplicates,
            activities.calendars.retire_calendar,
            activities.connections.delete_calendar,
            activities.connections.end_grant,
            activities.confirmation.confirm,
        ],
        activity_executor=_threads(GOOGLE_SLOTS, "google"),
        max_concurrent_activities=GOOGLE_SLOTS,
        # An activity that starts eagerly skips the queue, and with it every rate limit.
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


def _long_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.LONG,
        build_id=BUILD,
        activities=[
            activities.reservation_signals.signal_reservations,
            activities.reservation_signals.signal_all_reservations,
            activities.parked_work.count_parked,
            activities.parked_work.wake,
            activities.availability.watch_busy,
            activities.webhooks.deliver_webhook,
        ],
        max_concurrent_activities=LONG_SLOTS,
        graceful_shutdown_timeout=SHUTDOWN_TIMEOUT,
    )


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    # As many threads as slots: a task that waits for a thread already uses up its time-out (sdk-python issue 1168).
    return ThreadPoolExecutor(count, thread_name_prefix=name)


async def serve(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, then lets what is running end."""
    vault = Vault(settings.encryption_keys)
    store = Store.open(settings.database_url)
    store.upgrade()
    client = await connect(vault, runtime=runtime_with_metrics(settings.metrics_host, settings.metrics_port))
    await register_attributes(client)
    await limit_google_calls(
        client,
        per_user_minute=settings.google_calls_per_user_minute,
        per_project_minute=settings.google_calls_per_project_minute,
    )
    async with running_workers(client, settings, store, vault):
        logger.info("working")
        await _asked_to_stop()
        logger.info("stopping: what is running may end, for at most %s", SHUTDOWN_TIMEOUT)


async def _asked_to_stop() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked.set)
    await asked.wait()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(each)


def main() -> None:
    """Runs the worker in the foreground."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The SDK would write a traceback for every failed attempt; slotsync.temporal.options tells what is worth it.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    # It would write down the address of every webhook, in which a platform may have put a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(Settings.load()))
    gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)


if __name__ == "__main__":
    main()
