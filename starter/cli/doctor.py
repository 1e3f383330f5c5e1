"""The command that says what is wrong with an installation, and how to mend it."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from starter.examination import Finding, examine

console = Console()


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(doctor)


def doctor() -> None:
    """Check configuration, database, Temporal and Google; say what is wrong and how to mend it."""
    findings = asyncio.run(examine())
    console.print(_table(findings))
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]OK[/green]" if finding.well else "[red]WRONG[/red]"
        remedy = f"\n[bold]To mend it:[/bold] {finding.remedy}" if finding.remedy else ""
        table.add_row(mark, finding.about, finding.says + remedy)
    return table
