"""The commands demo and dev."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from starter.local.demo.bookings import MERCHANT, Report, read_bookings, reports_of
from starter.local.demo.comparison import counted
from starter.local.demo.story import Outcome, look, newest, open_hotel, tell, until_settled
from starter.local.dev import WORKSHOP, LocalParts, local_parts, open_workshop, settings_link


def progress(console: Console) -> Progress:
    """Bars for the parts of a story."""
    return Progress(
        TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def bar(bars: Progress, description: str, total: int) -> Callable[[int, int], None]:
    """A new bar; call it with what is done and the total."""
    task = bars.add_task(description, total=total)
    return lambda done, total: bars.update(task, completed=done, total=total)


def outcome_table(result: Outcome) -> Group:
    """The comparison, in numbers, and the first reservations that are not right."""
    verdict = (
        "[bold green]Google's calendars are exactly right"
        if result.comparison.perfect
        else "[bold red]Google's calendars are NOT right"
    )
    calls = ", ".join(f"{count} {method}" for method, count in sorted(result.google_calls.items()))
    took = f"{result.bookings} bookings, told in {result.reports} reports, in step after {result.seconds} s"
    return Group(f"\n{verdict}", _counts(result), took, f"[dim]Calls to Google: {calls}\n")


def _counts(result: Outcome) -> Table:
    table = Table()
    table.add_column("events")
    table.add_column("count", justify="right")
    table.add_column("reservations")
    for name, count in counted(result.comparison).items():
        named = getattr(result.comparison, name) if name != "right" else ()
        table.add_row(name, str(count), ", ".join(named[:5]))
    return table


def places(parts: LocalParts) -> Panel:
    """Where to look."""
    lines = [f"Google's calendars, a week at a time   {parts.google}/"]
    lines.append(f"The HTTP API, to read and to try       {parts.api}/docs")
    if parts.temporal_ui:
        lines.append(f"Temporal's workflows and histories     {parts.temporal_ui}/")
    lines.append(f"For a shell to talk to all of it       source {parts.environment}")
    return Panel("\n".join(lines), title="Look around", expand=False)


FOLDER = Path(".slotsync")
SHIPPED = Path(__file__).parents[1] / "local" / "demo" / "resort-hotel-bookings.csv"

Ready = Annotated[Path | None, typer.Option(help="Write where everything is to this file, once it answers.")]

console = Console()


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(demo)
    app.command()(dev)


def demo(
    bookings: Annotated[
        Path, typer.Option(help="Bookings to tell; the first 1,000 of a real hotel by default.", exists=True)
    ] = SHIPPED,
    limit: Annotated[int | None, typer.Option(help="Tell only the first ones.", min=1)] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="End when the story is told.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the result to this file, as JSON.")] = None,
    ready: Ready = None,
) -> None:
    """Tell the whole story with real bookings, then compare Google's calendars with them."""
    now = datetime.now(UTC)
    reports = reports_of(read_bookings(bookings, now.date(), limit), _hotel(now))
    folder = FOLDER / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    outcome = asyncio.run(_demo(folder, reports, stay=not exit_, report=report, ready=ready))
    if not outcome.comparison.perfect:
        raise typer.Exit(1)


def dev(ready: Ready = None) -> None:
    """Run all parts for building on slotsync, with a merchant to try things with."""
    asyncio.run(_dev(FOLDER / "dev", ready))


def _hotel(now: datetime) -> str:
    """A hotel of its own for each demo on a Temporal that outlives the demo."""
    return f"{MERCHANT}-{now:%Y%m%d-%H%M%S}" if os.environ.get("TEMPORAL_ADDRESS") else MERCHANT


async def _demo(folder: Path, reports: list[Report], *, stay: bool, report: Path | None, ready: Path | None) -> Outcome:
    async with _running(folder, quotas=False) as parts:
        merchant = reports[0].reservation.merchant
        outcome = await _story(parts, reports)
        console.print(outcome_table(outcome), places(parts))
        if report:
            report.write_text(json.dumps(_told(outcome), indent=2) + "\n")
        if stay:
            await _stay(parts, merchant, ready)
    return outcome


async def _dev(folder: Path, ready: Path | None) -> None:
    async with _running(folder, quotas=True) as parts:
        await open_workshop(parts)
        console.print(places(parts))
        await _stay(parts, WORKSHOP, ready)


@asynccontextmanager
async def _running(folder: Path, *, quotas: bool) -> AsyncIterator[LocalParts]:
    async with AsyncExitStack() as stack:
        with console.status("Starting") as status:
            parts = await stack.enter_async_context(local_parts(folder, status.update, quotas=quotas))
        yield parts
        console.print("Stopping")


async def _story(parts: LocalParts, reports: list[Report]) -> Outcome:
    """Runs the story with a progress bar for each part of it."""
    final = newest(reports)
    started = monotonic()
    rooms = {item.product for report in reports for item in report.reservation.items}
    await open_hotel(parts, reports[0].reservation.merchant, rooms)
    with progress(console) as bars:
        await tell(parts, reports, bar(bars, "Booking, changing, cancelling", len(reports)))
        await until_settled(parts, final, bar(bars, "Reservations in step", len(final)))
    comparison, calls = await look(parts, final)
    return Outcome(
        bookings=len(final),
        reports=len(reports),
        seconds=round(monotonic() - started, 1),
        comparison=comparison,
        google_calls=calls,
    )


async def _stay(parts: LocalParts, merchant: str, ready: Path | None) -> None:
    """Keeps everything running until Ctrl-C or SIGTERM."""
    # Not wrapped, so that a terminal can open it.
    console.print("The settings page of the merchant, for one visit within ten minutes (docs/settings-page.md):")
    console.print(await settings_link(parts, merchant), soft_wrap=True)
    asked = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, asked.set)
    if ready:
        ready.write_text(json.dumps(parts.places(), indent=2) + "\n")
    console.print("Everything keeps running; Ctrl-C ends it.")
    await asked.wait()


def _told(outcome: Outcome) -> dict[str, object]:
    """The outcome as the report tells it: counts first, then which reservations are not right."""
    comparison = outcome.comparison
    told = outcome.model_dump(mode="json", exclude={"comparison"})
    return {**told, **counted(comparison), "reservations": comparison.model_dump(mode="json", exclude={"right"})}
