"""Search all tables of an SQLite database for a text, also Temporal's, which holds some that nothing reaches."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from temporalio.api.history.v1 import History


def tables_with(file: Path, text: str, *, except_of: Collection[bytes] = ()) -> set[str]:
    """Return the tables with the text in any column, as text or within bytes, except in rows with these ids."""
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    searched = {name: [row for row in some if not {*row} & {*except_of}] for name, some in rows.items()}
    return {name for name, some in searched.items() if any(text in _readable(row) for row in some)}


def find_unreachable_histories(file: Path) -> set[bytes]:
    """Return the run ids of histories in Temporal's database of which it knows no run: its API reaches none of them.

    Two ways lead there. Temporal writes the history of a start before it knows that another one was quicker (measured
    with server 1.32: of 160 starts of 40 workflows, four at once of each, 2 to 8 are left). And it deletes a run before
    its history: if that fails once (within 3 seconds), its next try finds no run, and ends. Its own scanner deletes
    both after 60 days.
    """
    query = "SELECT tree_id FROM {} WHERE tree_id NOT IN (SELECT run_id FROM executions)"
    with closing(sqlite3.connect(file)) as connection:
        return {
            tree for table in ("history_node", "history_tree") for (tree,) in connection.execute(query.format(table))
        }


def read_histories(file: Path, runs: Collection[bytes]) -> dict[bytes, History]:
    """Return the events that Temporal's database holds of these runs, by the run ids."""
    found = {run: History() for run in runs}
    with closing(sqlite3.connect(file)) as connection:
        for tree, data in connection.execute("SELECT tree_id, data FROM history_node ORDER BY node_id"):
            if tree in found:
                found[tree].MergeFromString(data)
    return found


@contextmanager
def failing_history_deletions(file: Path) -> Iterator[None]:
    """Let Temporal's database refuse to delete histories within the block: an overload or a kill does the same."""
    _run(file, "CREATE TRIGGER refuse BEFORE DELETE ON history_node BEGIN SELECT RAISE(ABORT, 'refused'); END")
    yield
    _run(file, "DROP TRIGGER refuse")


def _run(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, timeout=60)) as connection:
        connection.execute(statement)
        connection.commit()


def _readable(row: tuple[Any, ...]) -> str:
    return " ".join(each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in row)
