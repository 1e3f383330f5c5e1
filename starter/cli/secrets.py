"""The commands about stored secrets."""

import typer
from rich.console import Console
from rich.table import Table

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.key_rotation import Rotated
from slotsync.store.key_rotation import rotate as rotate_all

secrets = typer.Typer(help="The secrets in the database.", no_args_is_help=True)
console = Console()


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.add_typer(secrets, name="secrets")


@secrets.callback()
def _group() -> None:
    """The secrets in the database."""


@secrets.command()
def rotate() -> None:
    """Seal all stored secrets with the first key of SLOTSYNC_ENCRYPTION_KEYS; safe while workers run."""
    settings = Settings.load()
    columns = rotate_all(Store.open(settings.database_url), Vault(settings.encryption_keys))
    console.print(_table(columns))
    if any(column.lost for column in columns):
        console.print("[red]Some secrets open with none of the keys:[/red] put the lost key at the end of the list.")
        raise typer.Exit(1)
    console.print(
        "The database no longer needs the other keys. Temporal's histories do, until they are past the namespace's "
        "retention: remove a key only after that, and after every process runs with the new one in front."
    )


def _table(columns: list[Rotated]) -> Table:
    table = Table(title="Stored secrets")
    table.add_column("column", no_wrap=True)
    for name in ("sealed anew", "up to date before", "cannot be opened"):
        table.add_column(name, justify="right")
    for each in columns:
        table.add_row(each.column, str(each.renewed), str(each.current), str(each.lost))
    return table
