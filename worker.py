"""The worker process: three task queues, each with what it needs."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.availability import AvailabilityActivities
from activities.availability_parts import availability_activities
from activities.calendars import CalendarActivities
from activities.call_notes import CallNotes
from activities.calling import CalendarRequests, ReservationCalls
from activities.channel_ends import ChannelEnds
from activities.confirming import ConfirmingActivities
from activities.connections import DepartureActivities
from activities.events import EventActivities
from activities.parked_work import ParkedWork
from activities.reservations import ReservationActivities
from activities.webhooks import WebhookActivities
from slotsync.clock import utc_now
from slotsync.google.busy_times import GoogleBusyTimes
from slotsync.google.calendars import GoogleCalendars
from slotsync.google.channels import GoogleChannels
from slotsync.google.events import GoogleEvents
from slotsync.google.service import GoogleServices
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store import Connections, Store
from slotsync.store.answers import Answers
from slotsync.store.departures import Departures
from slotsync.store.push_channels import PushChannels
from slotsync.temporal import queues
from slotsync.temporal.connect import connect, runtime_with_metrics
from slotsync.temporal.limits import limit_google_calls
from slotsync.temporal.registration import register_attributes
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

GRACEFUL = timedelta(seconds=30)
"""Longer than a call to Google may take."""


@dataclass(frozen=True)
class Capabilities:
    """All activities."""

    reservations: ReservationActivities
    events: EventActivities
    calendars: CalendarActivities
    departures: DepartureActivities
    requests: CalendarRequests
    calls: ReservationCalls
    parked: ParkedWork
    webhooks: WebhookActivities
    availability: AvailabilityActivities
    confirming: ConfirmingActivities


@asynccontextmanager
async def working(client: Client, settings: Settings, store: Store, vault: Vault) -> AsyncIterator[None]:
    """The three workers, running until the block ends and what they do has ended."""
    connections = Connections(store, vault)
    departing = Departures(store, vault)
    loop = asyncio.get_running_loop()
    notes = CallNotes(connections, client, loop)
    async with AsyncExitStack() as stack:
        services = stack.enter_context(closing(GoogleServices(settings, connections)))
        farewells = stack.enter_context(closing(GoogleServices(settings, departing)))
        capabilities = Capabilities(
            reservations=ReservationActivities(store),
            events=EventActivities(store, notes, GoogleEvents(services, activity.heartbeat)),
            calendars=CalendarActivities(store, notes, GoogleCalendars(services, activity.heartbeat)),
            departures=DepartureActivities(
                settings,
                store,
                departing,
                GoogleCalendars(farewells, activity.heartbeat),
                ChannelEnds(GoogleChannels(farewells), PushChannels(store, vault)),
            ),
            requests=CalendarRequests(client),
            calls=ReservationCalls(client),
            parked=ParkedWork(client),
            availability=stack.enter_context(
                availability_activities(settings, store, vault, services, CallNotes(connections, client, loop, utc_now))
            ),
            confirming=ConfirmingActivities(Answers(store, vault), GoogleBusyTimes(services), notes),
            webhooks=await stack.enter_async_context(aclosing(WebhookActivities(settings, store, vault))),
        )
        for make in (_workflow_worker, _google_worker, _long_worker):
            await stack.enter_async_context(make(client, capabilities))
        yield


def _workflow_worker(client: Client, does: Capabilities) -> Worker:
    return Worker(
        client,
        task_queue=queues.WORKFLOWS,
        build_id=BUILD,
        workflows=[ReservationWorkflow, ManagedCalendarWorkflow, ConnectionWorkflow, ProductAvailabilityWorkflow],
        activities=[
            does.reservations.prepare,
            does.reservations.conclude,
            does.calendars.look_up_calendar,
            does.calendars.take_turn,
            does.calendars.out_of_step_reservations,
            does.requests.need_calendar,
            does.departures.begin_departure,
            does.departures.finish_departure,
            does.availability.publish_availability,
        ],
        activity_executor=_threads(SHORT_SLOTS, "short"),
        max_concurrent_activities=SHORT_SLOTS,
        max_concurrent_local_activities=SHORT_SLOTS,
        graceful_shutdown_timeout=GRACEFUL,
    )


def _google_worker(client: Client, does: Capabilities) -> Worker:
    return Worker(
        client,
        task_queue=queues.GOOGLE,
        build_id=BUILD,
        activities=[
            does.events.put_event,
            does.events.delete_event,
            does.calendars.ensure_calendar,
            does.calendars.keep_calendar,
            does.calendars.remove_twins,
            does.calendars.retire_calendar,
            does.departures.delete_left_calendar,
            does.departures.end_grant,
            does.confirming.look_live,
        ],
        activity_executor=_threads(GOOGLE_SLOTS, "google"),
        max_concurrent_activities=GOOGLE_SLOTS,
        # An activity that starts eagerly skips the queue, and with it every rate limit.
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=GRACEFUL,
    )


def _long_worker(client: Client, does: Capabilities) -> Worker:
    return Worker(
        client,
        task_queue=queues.LONG,
        build_id=BUILD,
        activities=[
            does.calls.call_reservations,
            does.calls.call_all_reservations,
            does.parked.count_parked,
            does.parked.wake,
            does.availability.watch_busy,
            does.webhooks.deliver_webhook,
        ],
        max_concurrent_activities=LONG_SLOTS,
        graceful_shutdown_timeout=GRACEFUL,
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
    async with working(client, settings, store, vault):
        logger.info("working")
        await _asked_to_stop()
        logger.info("stopping: what is running may end, for at most %s", GRACEFUL)


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
    # The SDK would write a traceback for every failed attempt; slotsync.temporal.interceptors tells what is worth it.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    # It would write down the address of every webhook, in which a platform may have put a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(Settings.load()))
    gc.collect()  # without it the interpreter may crash at exit (sdk-python issue 300)


if __name__ == "__main__":
    main()
