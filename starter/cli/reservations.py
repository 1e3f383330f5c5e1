"""The commands that a backend's developer tries first: report, cancel, import, status."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from slotsync.errors import InputError
from starter.cli.snapshot_files import BadLine, read_lines, read_snapshot
from starter.client import Reported, Slotsync
from starter.services.status import Overview, SyncStatus

console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id.")]
ReservationId = Annotated[str, typer.Argument(metavar="RESERVATION", help="The reservation's id.")]
SnapshotFile = Annotated[typer.FileText, typer.Argument(help="A snapshot as JSON; - reads standard input.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(report)
    app.command()(cancel)
    app.command(name="import")(import_)
    app.command()(status)


def report(file: SnapshotFile) -> None:
    """Report one reservation: its whole state, at one version."""
    reservation = read_snapshot(file.read())

    async def tell() -> Reported:
        return await (await Slotsync.connect()).report(reservation)

    _say(reservation.id, asyncio.run(tell()))


def cancel(
    merchant: Merchant,
    reservation: ReservationId,
    version: Annotated[int, typer.Option(help="A version newer than all reported before.")],
) -> None:
    """Cancel a reservation: its events leave Google."""

    async def tell() -> Reported:
        return await (await Slotsync.connect()).cancel(merchant, reservation, version=version)

    _say(reservation, asyncio.run(tell()))


def import_(
    file: Annotated[Path, typer.Argument(help="One snapshot a line, as JSON.", exists=True, dir_okay=False)],
) -> None:
    """Report many reservations; a bad line is named, and the others go on."""
    bad = asyncio.run(_import(file))
    for line in bad:
        console.print(f"[red]line {line.number}[/red]: {line.reason}", highlight=False)
    if bad:
        raise typer.Exit(1)


def status(
    merchant: Annotated[str | None, typer.Argument(help="A merchant's id.")] = None,
    reservation: Annotated[str | None, typer.Argument(help="One of its reservations.")] = None,
) -> None:
    """Show what is in step, retrying or parked, why, and since when."""

    async def ask() -> Overview | SyncStatus:
        slotsync = await Slotsync.connect()
        if merchant is None or reservation is None:
            return await slotsync.overview(merchant)
        standing = await slotsync.status(merchant, reservation)
        if standing is None:
            raise InputError(f"reservation {reservation} of {merchant} is not known; was it reported?")
        return standing

    answer = asyncio.run(ask())
    console.print(_overview(answer) if isinstance(answer, Overview) else _standing(answer))


async def _import(file: Path) -> list[BadLine]:
    slotsync = await Slotsync.connect()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar:
        task = bar.add_task("Reporting", total=None)
        return await read_lines(
            file, slotsync.report, told=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _say(reservation: str, reported: Reported) -> None:
    if reported.superseded:
        console.print(f"{reservation}: superseded, version {reported.version} is known; nothing was changed")
    else:
        console.print(f"{reservation}: version {reported.version} is on its way")


def _standing(standing: SyncStatus) -> Table:
    shown = f"version {standing.version}" + ("" if standing.settled else f", Google shows {standing.settled_version}")
    table = Table(title=f"{standing.reservation} of {standing.merchant}: {shown}", caption=standing.doing)
    for column in ("item", "calendar of", "state", "since (UTC)", "written version", "last error", "event"):
        table.add_column(column, overflow="fold")
    for event in standing.events:
        table.add_row(
            event.item,
            event.owner,
            event.state,
            f"{event.since:%Y-%m-%d %H:%M:%S}",
            "" if event.version is None else str(event.version),
            event.last_error or "",
            event.link,
        )
    return table


def _overview(overview: Overview) -> Table:
    table = Table(title="Events by merchant and state")
    for column in ("merchant", "state", "events", "oldest since (UTC)"):
        table.add_column(column)
    for line in overview.lines:
        table.add_row(line.merchant, line.state, str(line.count), f"{line.oldest:%Y-%m-%d %H:%M:%S}")
    return table
