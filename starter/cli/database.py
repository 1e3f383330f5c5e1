"""Upgrade the database, and adopt a new one."""

import asyncio

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.temporal.options import connect
from slotsync.temporal.schedules import ensure_schedules
from starter.cli.terminal import console


def upgrade_database() -> None:
    """Bring the database to the current schema."""
    Store.open(Settings.load().database_url).upgrade()
    console.print("The database is up to date.")


def adopt_database() -> None:
    """Make the workers of Temporal's namespace those of this database, in place of a former one that was lost."""
    settings = Settings.load()
    store = Store.open(settings.database_url)
    store.upgrade()
    instance = Instances(store, Vault(settings.encryption_keys)).get_id()

    async def adopt() -> None:
        await ensure_schedules(await connect(), instance, take_over=True)

    asyncio.run(adopt())
    console.print("Temporal's namespace works for this database now. Start the workers.")
