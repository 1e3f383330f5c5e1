"""Run the demo, or all parts for development, on this machine."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import typer
from rich.console import Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from slotsync.private_files import write_private_file
from starter.cli.terminal import console, plain
from starter.local.demo.bookings import MERCHANT, Report, create_reports, read_bookings
from starter.local.demo.comparison import count_events
from starter.local.demo.scenario import (
    DemoResult,
    ProgressCallback,
    compare_calendars,
    connect_hotel,
    newest_snapshots,
    send_reports,
    wait_until_settled,
)
from starter.local.dev import SAMPLE_MERCHANT, LocalParts, create_sample_merchant, create_settings_link, local_parts

FOLDER = Path(".slotsync")


def run_demo(bookings: Path, limit: int | None, report: Path | None, ready: Path | None, *, stay: bool) -> None:
    """Run the demo, print the comparison, and write it to ``report``. With ``stay`` all parts then keep running.

    Raises:
        typer.Exit: with code 1, if Google's calendars are not exactly right.
    """
    now = datetime.now(UTC)
    reports = create_reports(read_bookings(bookings, now.date(), limit), _hotel_name(now))
    result = asyncio.run(_demo(FOLDER / "demo", reports, report, ready, stay=stay))
    if not result.comparison.perfect:
        raise typer.Exit(1)


def run_dev(ready: Path | None) -> None:
    """Run all parts with a sample merchant, until Ctrl-C or SIGTERM."""
    asyncio.run(_dev(FOLDER / "dev", ready))


def _hotel_name(now: datetime) -> str:
    """Return a hotel name that is new for each demo if Temporal keeps its state after the demo."""
    return f"{MERCHANT}-{now:%Y%m%d-%H%M%S}" if os.environ.get("TEMPORAL_ADDRESS") else MERCHANT


async def _demo(
    folder: Path, reports: Sequence[Report], report: Path | None, ready: Path | None, *, stay: bool
) -> DemoResult:
    async with _running(folder, quotas=False, fresh=True) as parts:
        merchant = reports[0].reservation.merchant
        result = await _run_scenario(parts, reports)
        console.print(_result_table(result), _addresses_panel(parts))
        if report:
            report.write_text(json.dumps(_result_as_json(result), indent=2) + "\n")
        if stay:
            await _wait_for_signal(parts, merchant, ready)
    return result


async def _dev(folder: Path, ready: Path | None) -> None:
    async with _running(folder, quotas=True, fresh=False) as parts:
        await create_sample_merchant(parts)
        console.print(_addresses_panel(parts))
        await _wait_for_signal(parts, SAMPLE_MERCHANT, ready)


@asynccontextmanager
async def _running(folder: Path, *, quotas: bool, fresh: bool) -> AsyncIterator[LocalParts]:
    async with AsyncExitStack() as stack:
        with console.status("Starting") as status:
            parts = await stack.enter_async_context(local_parts(folder, status.update, quotas=quotas, fresh=fresh))
        yield parts
        console.print("Stopping")


async def _run_scenario(parts: LocalParts, reports: Sequence[Report]) -> DemoResult:
    """Run the demo's steps with a progress bar for each."""
    final = newest_snapshots(reports)
    started = monotonic()
    rooms = {item.product for report in reports for item in report.reservation.items}
    await connect_hotel(parts, reports[0].reservation.merchant, rooms)
    with _progress_bars() as bars:
        await send_reports(parts, reports, _add_bar(bars, "Booking, changing, cancelling", len(reports)))
        await wait_until_settled(parts, final, _add_bar(bars, "Reservations in step", len(final)))
    comparison, calls = await compare_calendars(parts, final)
    return DemoResult(
        bookings=len(final),
        reports=len(reports),
        seconds=round(monotonic() - started, 1),
        comparison=comparison,
        google_calls=calls,
    )


async def _wait_for_signal(parts: LocalParts, merchant: str, ready: Path | None) -> None:
    """Print a link to the settings page, write the addresses to ``ready``, and wait for Ctrl-C or SIGTERM."""
    console.print("The settings page of the merchant, for one visit within ten minutes (docs/settings-page.md):")
    # Not wrapped, so that a terminal recognizes the link.
    console.print(await create_settings_link(parts, merchant), soft_wrap=True)
    received = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, received.set)
    if ready:
        write_private_file(ready, json.dumps(parts.addresses(), indent=2) + "\n")
    console.print("Everything keeps running; Ctrl-C ends it.")
    await received.wait()


def _progress_bars() -> Progress:
    return Progress(
        TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def _add_bar(bars: Progress, description: str, total: int) -> ProgressCallback:
    """Add a progress bar, and return the function that updates it."""
    task = bars.add_task(description, total=total)
    return lambda done, total: bars.update(task, completed=done, total=total)


def _result_table(result: DemoResult) -> Group:
    """Return the comparison in numbers, and the first reservations that are not right."""
    verdict = (
        "[bold green]Google's calendars are exactly right"
        if result.comparison.perfect
        else "[bold red]Google's calendars are NOT right"
    )
    calls = ", ".join(f"{count} {method}" for method, count in sorted(result.google_calls.items()))
    summary = f"{result.bookings} bookings, sent in {result.reports} reports, in step after {result.seconds} s"
    return Group(f"\n{verdict}", _counts_table(result), summary, f"[dim]Calls to Google: {calls}\n")


def _counts_table(result: DemoResult) -> Table:
    table = Table()
    table.add_column("events")
    table.add_column("count", justify="right")
    table.add_column("reservations")
    for name, count in count_events(result.comparison).items():
        reservations = getattr(result.comparison, name) if name != "right" else ()
        table.add_row(name, str(count), plain(", ".join(reservations[:5])))
    return table


def _addresses_panel(parts: LocalParts) -> Panel:
    lines = [f"Google's calendars, a week at a time   {parts.google}/"]
    lines.append(f"The HTTP API, to read and to try       {parts.api}/docs")
    if parts.temporal_ui:
        lines.append(f"Temporal's workflows and histories     {parts.temporal_ui}/")
    lines.append(f"Environment for commands in a shell    source {plain(parts.environment)}")
    return Panel("\n".join(lines), title="Addresses", expand=False)


def _result_as_json(result: DemoResult) -> dict[str, object]:
    """Return the result for the report file: counts first, then the reservations that are not right."""
    comparison = result.comparison
    summary = result.model_dump(mode="json", exclude={"comparison"})
    reservations = comparison.model_dump(mode="json", exclude={"right"})
    return {**summary, **count_events(comparison), "reservations": reservations}
