"""The commands that run one part in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from slotsync.settings import Settings
from slotsync.store.database.engine import Store

db = typer.Typer(help="The database.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(worker)
    app.command()(api)
    app.command()(sandbox)
    app.add_typer(db, name="db")


def worker() -> None:
    """Run the worker until SIGTERM: workflows, and calls to Google."""
    import worker as process  # noqa: PLC0415  heavy, and only this command needs it

    process.main()


def api(
    port: Annotated[int, typer.Option(help="Where it listens.")] = 8080,
    host: Annotated[str, typer.Option(help="On which address; 0.0.0.0 is all of them.")] = "127.0.0.1",
) -> None:
    """Run the HTTP API until SIGTERM; its documentation is at /docs."""
    from starter.api import server  # noqa: PLC0415  heavy, and only this command needs it

    server.main(host, port)


def sandbox(
    port: Annotated[int, typer.Option(help="Where it listens, on 127.0.0.1.")] = 8085,
    state: Annotated[Path | None, typer.Option(help="Keep the state in this file.")] = None,
    quotas: Annotated[bool, typer.Option(help="Count calls as Google does.")] = True,
) -> None:
    """Run the local Google until SIGTERM."""
    from localgoogle.options import LocalGoogleOptions  # noqa: PLC0415  an extra of development machines
    from localgoogle.server import serve  # noqa: PLC0415

    options = LocalGoogleOptions(state_file=state) if quotas else LocalGoogleOptions.unlimited(state)
    serve(options, port)


@db.command()
def upgrade() -> None:
    """Bring the database to the current schema."""
    Store.open(Settings.load().database_url).upgrade()
    typer.echo("The database is up to date.")
