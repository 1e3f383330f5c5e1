"""Build all activities of a worker process with their dependencies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.client import Client

from activities.availability import AvailabilityActivities, ConfirmationActivities
from activities.calendars import CalendarActivities
from activities.connections import (
    ConnectionActivities,
    ConsentActivities,
    DisconnectionActivities,
    RefusedGrantActivities,
)
from activities.drift import DriftActivities
from activities.errors import heartbeat_and_count
from activities.events import EventActivities
from activities.mails import MailActivities
from activities.reservations import ReservationActivities
from activities.retention import RetentionActivities
from activities.signals import CalendarSignals, Pace, ReservationSignals, SubscriberSignals, WaitingWork
from activities.sweep import SweepActivities
from activities.sync_switch import SyncSwitchActivities
from activities.webhooks import WebhookActivities
from slotsync.busy_times.account_watcher import AccountWatchers
from slotsync.busy_times.poller import Poller
from slotsync.busy_times.product_availability import ProductAvailability, ProductStates
from slotsync.busy_times.push_channels import ChannelStopper, ChannelUpkeep
from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.google.calendars import GoogleCalendars
from slotsync.google.channels import GoogleChannels, push_address
from slotsync.google.events.listing import GoogleListings
from slotsync.google.events.writes import GoogleEvents
from slotsync.google.freebusy import GoogleBusyTimes
from slotsync.google.service import GoogleServices
from slotsync.grant_ends import GrantEnds
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.availability_webhooks import Publications
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.availability.confirmations import Confirmations
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store

MAX_PARALLEL_POLLS = 16
"""Accounts that one process reads at the same time."""

MAX_PARALLEL_DATABASE_READS = 4


@dataclass(frozen=True)
class Activities:
    """All activities of a worker process."""

    reservations: ReservationActivities
    events: EventActivities
    calendars: CalendarActivities
    drift: DriftActivities
    connections: ConnectionActivities
    refused_grants: RefusedGrantActivities
    consents: ConsentActivities
    disconnections: DisconnectionActivities
    calendar_signals: CalendarSignals
    reservation_signals: ReservationSignals
    sync_switch: SyncSwitchActivities
    waiting_work: WaitingWork
    sweep: SweepActivities
    retention: RetentionActivities
    webhooks: WebhookActivities
    mails: MailActivities
    availability: AvailabilityActivities
    subscribers: SubscriberSignals
    confirmation: ConfirmationActivities


@asynccontextmanager
async def all_activities(client: Client, settings: Settings, store: Store, vault: Vault) -> AsyncIterator[Activities]:
    """Yield all activities, with connections and threads of their own, until the block ends."""
    connections, disconnections = Connections(store, vault), Disconnections(store, vault)
    loop = asyncio.get_running_loop()
    pace = Pace(timedelta(seconds=1) / settings.backfill_per_second)
    health = ConnectionHealth(connections, client, loop)
    polling_health = ConnectionHealth(connections, client, loop, utc_now)
    async with AsyncExitStack() as stack:
        services = stack.enter_context(closing(GoogleServices(settings, connections)))
        # A connection that is being disconnected is no longer active: only Disconnections returns its grant.
        disconnecting = stack.enter_context(closing(GoogleServices(settings, disconnections)))
        yield Activities(
            reservations=ReservationActivities(store, vault, settings.max_debounce),
            events=EventActivities(store, vault, health, GoogleEvents(services, heartbeat_and_count)),
            calendars=CalendarActivities(
                store,
                vault,
                health,
                GoogleCalendars(services, heartbeat_and_count),
                GoogleEvents(services, heartbeat_and_count),
            ),
            drift=DriftActivities(
                client, settings, store, vault, health, GoogleListings(services, heartbeat_and_count), pace
            ),
            connections=ConnectionActivities(settings, store, vault),
            refused_grants=RefusedGrantActivities(settings, store, vault),
            consents=ConsentActivities(settings, store, vault),
            disconnections=DisconnectionActivities(
                store,
                disconnections,
                GoogleCalendars(disconnecting, heartbeat_and_count),
                ChannelStopper(GoogleChannels(disconnecting), PushChannels(store, vault)),
                GrantEnds(settings, store, vault),
            ),
            calendar_signals=CalendarSignals(client, store),
            reservation_signals=ReservationSignals(client, store, pace),
            sync_switch=SyncSwitchActivities(client, store, vault, pace),
            waiting_work=WaitingWork(client, store, vault),
            sweep=SweepActivities(client, store, vault),
            retention=RetentionActivities(client, store, vault, settings.keep, settings.keep_messages),
            webhooks=await stack.enter_async_context(aclosing(WebhookActivities(settings, store, vault))),
            mails=MailActivities(settings, store, vault),
            availability=stack.enter_context(availability_activities(settings, store, vault, services, polling_health)),
            subscribers=SubscriberSignals(client, store),
            confirmation=ConfirmationActivities(
                ProductAvailability(store, vault), GoogleBusyTimes(services), Confirmations(store, vault), health
            ),
        )


@contextmanager
def availability_activities(  # noqa: PLR0913, PLR0917  all that the poller needs
    settings: Settings,
    store: Store,
    vault: Vault,
    services: GoogleServices,
    health: ConnectionHealth,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[AvailabilityActivities]:
    """Yield the activities of products' availability, with the poller that they share, until the block ends."""
    accounts = WatchedAccounts(store, vault, clock)
    channels = PushChannels(store, vault, clock)
    upkeep = ChannelUpkeep(GoogleChannels(services, clock), channels, health, push_address(settings), clock)
    poller = Poller(
        accounts,
        BusyReadings(store, vault, clock),
        ManagedCalendars(store),
        GoogleBusyTimes(services),
        upkeep,
        health,
        settings.horizon,
        clock,
    )
    products = ProductStates(store, vault, settings.horizon)
    publications = Publications(store, vault, webhooks=bool(settings.webhook_url), types=settings.webhook_types)
    with (
        ThreadPoolExecutor(MAX_PARALLEL_POLLS, thread_name_prefix="reading") as polling,
        ThreadPoolExecutor(MAX_PARALLEL_DATABASE_READS, thread_name_prefix="database") as database,
        closing(AccountWatchers(poller, accounts, polling, database, clock)) as watchers,
    ):
        yield AvailabilityActivities(watchers, products, publications, database, clock)
