"""What the demo shows on the terminal."""

from collections.abc import Callable

from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from starter.demo.comparison import counted
from starter.demo.story import Outcome
from starter.local import LocalParts


def progress(console: Console) -> Progress:
    """Bars for the parts of a story."""
    return Progress(
        TextColumn("{task.description:30}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def bar(bars: Progress, description: str, total: int) -> Callable[[int, int], None]:
    """A new bar; call it with what is done and the total."""
    task = bars.add_task(description, total=total)
    return lambda done, total: bars.update(task, completed=done, total=total)


def outcome(result: Outcome) -> Group:
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
