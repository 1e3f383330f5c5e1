"""Upgrade the database, and rotate the encryption key of its secrets."""

import asyncio
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import ColumnRotation, record_rotation, rotate
from slotsync.temporal.options import connect
from slotsync.temporal.schedules import ensure_schedules

console = Console()


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


def rotate_secrets() -> None:
    """Encrypt all stored secrets with the first key, and print the counts by column.

    Raises:
        typer.Exit: with code 1, if some secrets cannot be decrypted with any key.
    """
    settings = Settings.load()
    store, vault = Store.open(settings.database_url), Vault(settings.encryption_keys)
    columns = rotate(store, vault)
    if any(column.renewed for column in columns):
        record_rotation(store, vault)
    console.print(_rotation_table(columns))
    if any(column.lost for column in columns):
        console.print("[red]Some secrets open with none of the keys:[/red] put the lost key at the end of the list.")
        raise typer.Exit(1)
    console.print(
        "The database no longer needs the other keys. Temporal's histories do, until they are past the namespace's "
        "retention: remove a key only after that, and after every process runs with the new one in front."
    )


def _rotation_table(columns: Sequence[ColumnRotation]) -> Table:
    table = Table(title="Stored secrets")
    table.add_column("column", no_wrap=True)
    for name in ("encrypted again", "up to date before", "cannot be decrypted"):
        table.add_column(name, justify="right")
    for each in columns:
        table.add_row(each.column, str(each.renewed), str(each.current), str(each.lost))
    return table
