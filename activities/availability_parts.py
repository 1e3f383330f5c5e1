"""What a worker reads busy times with, built together: it shares one set of threads, and of connections to Google."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime

from activities.account_watches import AccountWatches
from activities.availability import AvailabilityActivities
from activities.busy_reader import BusyReader
from activities.call_notes import CallNotes
from activities.channel_upkeep import ChannelUpkeep
from activities.product_looks import ProductLooks
from slotsync.clock import utc_now
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

LOOKS = 4
"""Looks in the database at once."""


@contextmanager
def availability_activities(  # noqa: PLR0913, PLR0917  all that reading stands on
    settings: Settings,
    store: Store,
    vault: Vault,
    services: GoogleServices,
    notes: CallNotes,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[AvailabilityActivities]:
    """The activities of products' availability, until the block ends and nothing is read any more."""
    accounts = WatchedAccounts(store, vault, clock)
    channels = PushChannels(store, vault, clock)
    upkeep = ChannelUpkeep(GoogleChannels(services, clock), channels, accounts, notes, push_address(settings), clock)
    reader = BusyReader(
        accounts,
        BusyReadings(store, vault, clock),
        Calendars(store),
        GoogleBusyTimes(services),
        upkeep,
        notes,
        settings.horizon,
        clock,
    )
    looks = ProductLooks(store, vault, settings.horizon)
    publications = Publications(store, vault, webhooks=bool(settings.webhook_url))
    with (
        ThreadPoolExecutor(THREADS, thread_name_prefix="reading") as threads,
        ThreadPoolExecutor(LOOKS, thread_name_prefix="looking") as looking,
        closing(AccountWatches(reader, accounts, threads, looking, clock)) as watches,
    ):
        yield AvailabilityActivities(watches, looks, publications, looking, clock)
