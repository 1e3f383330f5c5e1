"""Run the worker process: three workers, and what each of them runs."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.bootstrap import Activities, all_activities
from slotsync.clock import utc_now
from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal import queues
from slotsync.temporal.options import build_runtime, connect
from slotsync.temporal.queues import limit_google_calls
from slotsync.temporal.schedules import ensure_schedules, trigger_sweep
from slotsync.temporal.search_attributes import register_attributes
from workflows.availability import ProductAvailabilityWorkflow
from workflows.calendar import ManagedCalendarWorkflow
from workflows.connection import ConnectionWorkflow
from workflows.reservation import ReservationWorkflow
from workflows.sweep import SweepWorkflow
from workflows.sync_switch import SyncSwitchWorkflow

logger = logging.getLogger(__name__)

MAX_SHORT_ACTIVITIES = 16
MAX_GOOGLE_ACTIVITIES = 32
MAX_LONG_ACTIVITIES = 5000
"""One for each watched product, and some for signals and webhooks; each takes little but memory."""

BUILD = version("slotsync")
"""Given to the SDK, which would otherwise hash every loaded module at each start (measured: 2.4 s)."""

SET_UP_INTERVAL = timedelta(seconds=20)
"""The time between two looks at whether Temporal's server is set up."""

ACTIVITIES_SHUTDOWN_TIMEOUT = timedelta(seconds=30)
"""Longer than a call to Google may take."""


@asynccontextmanager
async def running_workers(client: Client, settings: Settings, store: Store, vault: Vault) -> AsyncIterator[None]:
    """Run the three workers until the block ends and their activities have ended."""
    async with all_activities(client, settings, store, vault) as activities, AsyncExitStack() as stack:
        for worker in (_workflow_worker, _google_worker, _long_worker):
            await stack.enter_async_context(worker(client, activities))
        yield


def _workflow_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.WORKFLOWS,
        build_id=BUILD,
        workflows=[
            ReservationWorkflow,
            ManagedCalendarWorkflow,
            ConnectionWorkflow,
            ProductAvailabilityWorkflow,
            SweepWorkflow,
            SyncSwitchWorkflow,
        ],
        activities=[
            activities.reservations.plan_round,
            activities.reservations.record_wave,
            activities.reservations.record_stop,
            activities.calendars.view_calendar,
            activities.calendars.record_calendar,
            activities.calendars.record_calendar_stop,
            activities.calendars.request_permit,
            activities.calendar_signals.request_calendars,
            activities.sync_switch.plan_switch,
            activities.sync_switch.record_switch_stop,
            activities.connections.plan_connection,
            activities.connections.record_served_grant,
            activities.connections.record_connection_stop,
            activities.connections.record_notice,
            activities.connections.forget_refused_grant,
            activities.disconnections.begin_disconnection,
            activities.disconnections.finish_disconnection,
            activities.availability.publish_availability,
            activities.availability.record_watch_stop,
            activities.subscribers.signal_subscribers,
        ],
        activity_executor=_threads(MAX_SHORT_ACTIVITIES, "short"),
        max_concurrent_activities=MAX_SHORT_ACTIVITIES,
        max_concurrent_local_activities=MAX_SHORT_ACTIVITIES,
        graceful_shutdown_timeout=ACTIVITIES_SHUTDOWN_TIMEOUT,
    )


def _google_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.GOOGLE,
        build_id=BUILD,
        activities=[
            activities.events.put_event,
            activities.events.delete_event,
            activities.events.delete_restored,
            activities.calendars.ensure_calendar,
            activities.calendars.update_calendar,
            activities.calendars.remove_duplicates,
            activities.calendars.retire_calendar,
            activities.consents.end_unanswered_consents,
            activities.refused_grants.try_refused_grant,
            activities.disconnections.delete_calendar,
            activities.disconnections.end_grant,
            activities.confirmation.confirm_parts,
            activities.confirmation.confirm,
        ],
        activity_executor=_threads(MAX_GOOGLE_ACTIVITIES, "google"),
        max_concurrent_activities=MAX_GOOGLE_ACTIVITIES,
        # An activity that starts eagerly skips the queue, and with it every rate limit.
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=ACTIVITIES_SHUTDOWN_TIMEOUT,
    )


def _long_worker(client: Client, activities: Activities) -> Worker:
    return Worker(
        client,
        task_queue=queues.LONG,
        build_id=BUILD,
        activities=[
            activities.reservation_signals.signal_reservations,
            activities.sync_switch.signal_owners,
            activities.waiting_work.signal_waiting_work,
            activities.sweep.sweep,
            activities.retention.forget,
            activities.availability.watch_busy,
            activities.webhooks.deliver_webhook,
            activities.mails.send_due_mail,
        ],
        max_concurrent_activities=MAX_LONG_ACTIVITIES,
        graceful_shutdown_timeout=ACTIVITIES_SHUTDOWN_TIMEOUT,
    )


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    # As many threads as activities: one that waits for a thread already uses up its timeout (sdk-python issue 1168).
    return ThreadPoolExecutor(count, thread_name_prefix=name)


async def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then let running activities end."""
    vault = Vault(settings.encryption_keys)
    store = Store.open(settings.database_url)
    store.upgrade()
    instances = Instances(store, vault)
    worker = f"{uuid4()}"
    instances.record_worker(worker, utc_now())
    client = await connect(runtime=build_runtime(settings.metrics_host, settings.metrics_port))
    instance = instances.get_id()
    await _set_up_server(client, settings, instance)
    _warn_of_unsent_messages(settings, store, vault)
    async with running_workers(client, settings, store, vault):
        await trigger_sweep(client)
        keeping = asyncio.create_task(_keep_set_up(client, settings, instances, worker))
        logger.info("working")
        await _wait_for_stop_signal()
        logger.info("stopping: running activities may end within %s", ACTIVITIES_SHUTDOWN_TIMEOUT)
        keeping.cancel()
    instances.forget_worker(worker)


def _warn_of_unsent_messages(settings: Settings, store: Store, vault: Vault) -> None:
    waiting = 0 if settings.webhook_url else len(WebhookMessages(store, vault).find_products())
    if waiting:
        logger.warning("SLOTSYNC_WEBHOOK_URL is not set, and messages about %d products wait to be sent there", waiting)


async def _set_up_server(client: Client, settings: Settings, instance: str, *, keep_held: bool = False) -> None:
    """Make sure that Temporal's server has the search attributes, the rate limits, and the Schedules of the sweep.

    With ``keep_held`` a limit stays that an operator has set.
    """
    await register_attributes(client)
    await limit_google_calls(
        client,
        per_user_minute=settings.google_calls_per_user_minute,
        per_project_minute=settings.google_calls_per_project_minute,
        keep_held=keep_held,
    )
    await ensure_schedules(client, instance)


async def _keep_set_up(client: Client, settings: Settings, instances: Instances, worker: str) -> None:
    """Record that this worker lives, and set the server up again whenever that is needed: its database may be lost."""
    while True:
        await asyncio.sleep(SET_UP_INTERVAL.total_seconds())
        try:
            await asyncio.to_thread(instances.record_worker, worker, utc_now())
            await _set_up_server(client, settings, await asyncio.to_thread(instances.get_id), keep_held=True)
        except (RPCError, SettingsError, SQLAlchemyError, TimeoutError) as error:
            logger.warning("the worker's set-up cannot be kept now, which is tried again: %s", _describe(error))


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, SettingsError) else type(error).__name__


async def _wait_for_stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    await stopped.wait()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(each)


def main() -> None:
    """Run the worker in the foreground."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The SDK would write a traceback for every failed attempt; slotsync.temporal.options logs the failures that matter.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    # It would log the address of every webhook, which may contain a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(Settings.load()))
    gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)


if __name__ == "__main__":
    main()
