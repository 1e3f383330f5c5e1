"""Report, cancel and import reservations, and show their status."""

import asyncio
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from slotsync.errors import InputError
from starter.cli.snapshot_files import BadLine, read_snapshot, report_lines
from starter.client import Slotsync
from starter.services.reports import Reported
from starter.services.status import Overview, SyncStatus

console = Console()


def report_snapshot(text: str) -> None:
    """Report the reservation of a JSON snapshot, and print the result."""
    reservation = read_snapshot(text)

    async def report() -> Reported:
        return await (await Slotsync.connect()).report(reservation)

    _print_result(reservation.id, asyncio.run(report()))


def cancel_reservation(merchant: str, reservation: str, version: int) -> None:
    """Cancel a reservation, and print the result."""

    async def cancel() -> Reported:
        return await (await Slotsync.connect()).cancel(merchant, reservation, version=version)

    _print_result(reservation, asyncio.run(cancel()))


def resume_reservations(merchant: str, reservation: str | None) -> None:
    """Go on with what an operator stopped, and print how much that is."""

    async def resume() -> int:
        return await (await Slotsync.connect()).resume(merchant, reservation)

    console.print(f"{asyncio.run(resume())} stopped reservations, calendars, products or connections go on")


def import_snapshots(file: Path) -> None:
    """Report each line of a file, and print the bad lines.

    Raises:
        typer.Exit: with code 1, if there are bad lines.
    """
    bad = asyncio.run(_import(file))
    for line in bad:
        console.print(f"[red]line {line.number}[/red]: {line.reason}", highlight=False)
    if bad:
        raise typer.Exit(1)


def show_status(merchant: str | None, reservation: str | None) -> None:
    """Print the status of one reservation, or the counts of one merchant or of all merchants.

    Raises:
        InputError: the reservation is not known.
    """
    if merchant is None or reservation is None:
        console.print(_overview_table(asyncio.run(_get_overview(merchant))))
    else:
        console.print(_status_table(asyncio.run(_get_status(merchant, reservation))))


async def _get_overview(merchant: str | None) -> Overview:
    return await (await Slotsync.connect()).overview(merchant)


async def _get_status(merchant: str, reservation: str) -> SyncStatus:
    status = await (await Slotsync.connect()).status(merchant, reservation)
    if status is None:
        raise InputError(f"reservation {reservation} of {merchant} is not known; was it reported?")
    return status


async def _import(file: Path) -> list[BadLine]:
    slotsync = await Slotsync.connect()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar:
        task = bar.add_task("Reporting", total=None)
        return await report_lines(
            file, slotsync.report, show_progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _print_result(reservation: str, reported: Reported) -> None:
    if reported.superseded:
        console.print(f"{reservation}: superseded, version {reported.version} is known; nothing was changed")
    elif reported.unchanged:
        console.print(f"{reservation}: version {reported.version} is known already; nothing was changed")
    else:
        console.print(f"{reservation}: version {reported.version} is on its way")


def _status_table(status: SyncStatus) -> Table:
    versions = f"version {status.version}" + ("" if status.settled else f", Google shows {status.settled_version}")
    stopped = f", stopped since {status.stopped_since:%Y-%m-%d %H:%M:%S} UTC" if status.stopped_since else ""
    table = Table(title=f"{status.reservation} of {status.merchant}: {versions}{stopped}", caption=status.remedy)
    for column in ("item", "calendar of", "state", "since (UTC)", "written version", "last error", "event"):
        table.add_column(column, overflow="fold")
    for event in status.events:
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


def _overview_table(overview: Overview) -> Table:
    table = Table(title="Events by merchant and state")
    for column in ("merchant", "state", "events", "oldest since (UTC)"):
        table.add_column(column)
    for line in overview.lines:
        table.add_row(line.merchant, line.state, str(line.count), f"{line.oldest:%Y-%m-%d %H:%M:%S}")
    return table
