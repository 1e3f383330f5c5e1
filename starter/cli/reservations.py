"""Report, cancel and import reservations, and show their status."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text

from slotsync.errors import UnknownSubject
from starter.cli.snapshot_files import BadLine, read_snapshot, report_lines
from starter.cli.terminal import console, plain, print_json, visible
from starter.client import Slotsync
from starter.services.reports import Reported
from starter.services.status import Overview, SyncStatus


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
    """Go on with what an operator stopped, and print how much that is.

    Raises:
        UnknownSubject: nothing of it is stopped.
    """

    async def resume() -> int:
        return await (await Slotsync.connect()).resume(merchant, reservation)

    count = asyncio.run(resume())
    if not count:
        raise UnknownSubject(f"nothing of {' '.join(filter(None, (merchant, reservation)))} is stopped")
    console.print(f"{count} stopped reservations, calendars, products or connections go on")


def import_snapshots(file: Path) -> None:
    """Report each line of a file, and print the bad lines.

    Raises:
        typer.Exit: with code 1, if there are bad lines.
    """
    bad, total = asyncio.run(_import(file))
    for line in bad:
        console.print(f"[red]line {line.number}[/red]: {plain(line.reason)}", highlight=False)
    console.print(f"{total - len(bad)} of {total} reservations were reported.", highlight=False)
    if bad:
        raise typer.Exit(1)


def show_status(merchant: str | None, reservation: str | None, *, as_json: bool) -> None:
    """Print the status of one reservation, or the counts of one merchant or of all merchants.

    Raises:
        UnknownSubject: the merchant or the reservation is not known.
    """
    status: Overview | SyncStatus
    if merchant is None or reservation is None:
        status = asyncio.run(_get_overview(merchant))
    else:
        status = asyncio.run(_get_status(merchant, reservation))
    if as_json:
        print_json(status.model_dump(mode="json"))
    elif isinstance(status, Overview):
        console.print(_overview_table(status))
        if status.held_up:
            console.print(_held_up_table(status))
    else:
        console.print(_status_table(status))


async def _get_overview(merchant: str | None) -> Overview:
    return await (await Slotsync.connect()).overview(merchant)


async def _get_status(merchant: str, reservation: str) -> SyncStatus:
    status = await (await Slotsync.connect()).status(merchant, reservation)
    if status is None:
        raise UnknownSubject(f"reservation {reservation} of {merchant} is not known; was it reported?")
    return status


async def _import(file: Path) -> tuple[list[BadLine], int]:
    """Return the bad lines, and the number of all."""
    slotsync = await Slotsync.connect()
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar:
        task = bar.add_task("Reporting", total=None)
        bad = await report_lines(
            file, slotsync.report, show_progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
        return bad, int(bar.tasks[task].total or 0)


def _print_result(reservation: str, reported: Reported) -> None:
    name = plain(reservation)
    if reported.superseded:
        console.print(f"{name}: superseded, version {reported.version} is known; nothing was changed")
    elif reported.unchanged:
        console.print(f"{name}: version {reported.version} is known already; nothing was changed")
    else:
        console.print(f"{name}: version {reported.version} is on its way")


def _status_table(status: SyncStatus) -> Table:
    shown = "none yet" if status.settled_version is None else f"version {status.settled_version}"
    versions = f"version {status.version}" + ("" if status.settled else f", last shown in full: {shown}")
    stopped = f", stopped since {status.stopped_since:%Y-%m-%d %H:%M:%S} UTC" if status.stopped_since else ""
    title = f"{status.reservation} of {status.merchant}: {versions}{stopped}"
    caption = "\n".join(map(plain, filter(None, (status.doing, status.remedy))))
    table = Table(title=plain(title), caption=caption)
    for column in ("item", "calendar of", "state", "since (UTC)", "written version", "last error"):
        table.add_column(column, overflow="fold")
    table.add_column("event", no_wrap=True)
    for event in status.events:
        table.add_row(
            plain(event.item),
            plain(event.owner),
            event.state,
            f"{event.since:%Y-%m-%d %H:%M:%S}",
            "" if event.version is None else str(event.version),
            plain(event.last_error or ""),
            Text("open", Style(link=visible(event.link))) if event.link else "",
        )
    return table


def _overview_table(overview: Overview) -> Table:
    table = Table(title="Events by merchant and state")
    for column in ("merchant", "state", "events", "oldest since (UTC)"):
        table.add_column(column)
    for line in overview.lines:
        table.add_row(plain(line.merchant), line.state, str(line.count), f"{line.oldest:%Y-%m-%d %H:%M:%S}")
    table.caption = "\n".join(map(plain, _describe_waiting(overview)))
    return table


def _held_up_table(overview: Overview) -> Table:
    table = Table(title="Reservations that are not in step")
    for column in ("reservation", "since (UTC)", "reason", "what to do"):
        table.add_column(column, overflow="fold")
    for each in overview.held_up:
        since = f"{each.since:%Y-%m-%d %H:%M:%S}"
        table.add_row(plain(each.reservation), since, plain(each.reason or each.doing), plain(each.remedy))
    return table


def _describe_waiting(overview: Overview) -> Iterator[str]:
    if overview.not_taken_up:
        yield f"Reservations that no worker has taken up: {overview.not_taken_up}; see slotsync doctor"
    for each in overview.connections:
        since = f" since {each.since:%Y-%m-%d %H:%M} UTC" if each.since else ""
        yield f"{each.merchant} is not connected as it should be{since}: {each.remedy}"
    for key in overview.stopped:
        yield f"Stopped by an operator: {' '.join(key)}; slotsync resume {key[0]} goes on"
