"""What a worker reads busy times with, built together: it shares one set of threads, and of connections to Google."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from activities.account_watches import AccountWatches
from activities.availability import AvailabilityActivities
from activities.busy_reader import BusyReader
from activities.call_notes import CallNotes
from activities.channel_upkeep import ChannelUpkeep
from activities.product_looks import ProductLooks
from slotsync.google.busy_times import GoogleBusyTimes
from slotsync.google.channels import GoogleChannels, push_address
from slotsync.google.service import GoogleServices
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store import Calendars, Store
from slotsync.store.busy_readings import BusyReadings
from slotsync.store.publications import Publications
from slotsync.store.push_channels import PushChannels
from slotsync.store.watched_accounts import WatchedAccounts

THREADS = 16
"""Accounts that are read at once by one worker."""


@contextmanager
def availability_activities(
    settings: Settings, store: Store, vault: Vault, services: GoogleServices, notes: CallNotes
) -> Iterator[AvailabilityActivities]:
    """The activities of products' availability, until the block ends and nothing is read any more."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="reading") as threads:
        yield AvailabilityActivities(
            AccountWatches(_reader(settings, store, vault, services, notes), WatchedAccounts(store, vault), threads),
            ProductLooks(store, vault, settings.horizon),
            Publications(store, vault, webhooks=bool(settings.webhook_url)),
            threads,
        )


def _reader(settings: Settings, store: Store, vault: Vault, services: GoogleServices, notes: CallNotes) -> BusyReader:
    accounts = WatchedAccounts(store, vault)
    upkeep = ChannelUpkeep(
        GoogleChannels(services), PushChannels(store, vault), accounts, notes, push_address(settings)
    )
    return BusyReader(
        accounts,
        BusyReadings(store, vault),
        Calendars(store),
        GoogleBusyTimes(services),
        upkeep,
        notes,
        settings.horizon,
    )
