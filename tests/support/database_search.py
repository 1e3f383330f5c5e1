"""Search all tables of an SQLite database for a text, also Temporal's, which holds some that nothing reaches."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History

_BEGINNING = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
}


def tables_with(file: Path, text: str, *, except_of: Collection[bytes] = ()) -> set[str]:
    """Return the tables with the text in any column, as text or within bytes, except in rows with these ids."""
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    searched = {name: [row for row in some if not {*row} & {*except_of}] for name, some in rows.items()}
    return {name for name, some in searched.items() if any(text in _readable(row) for row in some)}


def find_overtaken_starts(file: Path) -> set[bytes]:
    """Return the ids of histories in Temporal's database of runs that never were: another start was quicker.

    Temporal writes the history of a start before it knows. What is left of it, nothing deletes but its own scanner,
    after 60 days. (Measured with server 1.32: of 160 starts of 40 workflows, four at once of each, 2 to 8 are left.)
    """
    known = "SELECT run_id FROM executions"
    query = f"SELECT tree_id, data FROM history_node WHERE tree_id NOT IN ({known})"
    nodes: dict[bytes, list[bytes]] = {}
    with closing(sqlite3.connect(file)) as connection:
        for tree, data in connection.execute(query):
            nodes.setdefault(tree, []).append(data)
    return {tree for tree, some in nodes.items() if len(some) == 1 and _is_beginning(some[0])}


def _is_beginning(data: bytes) -> bool:
    return {event.event_type for event in History.FromString(data).events} <= _BEGINNING


def _readable(row: tuple[Any, ...]) -> str:
    return " ".join(each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in row)
