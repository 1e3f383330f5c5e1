"""The state file: a change is in it before the response that acknowledges it is sent."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from localgoogle.protocol.json_values import JsonObject, as_object

_SCHEMA = "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
_UPSERT = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class StateFile:
    """JSON records by kind and key, in an SQLite database. Without a path it keeps nothing.

    It is written with ``synchronous=OFF``: a committed change is with the operating system, so it survives the end of
    the process, but not a power cut.
    """

    def __init__(self, path: Path | None) -> None:
        self._database = _open_database(path) if path else None
        self._pending: dict[tuple[str, str], JsonObject | None] = {}

    @property
    def keeps(self) -> bool:
        """True if there is a file, so that records are kept."""
        return self._database is not None

    def put(self, kind: str, key: str, value: JsonObject | None) -> None:
        """Write the record with the next commit; None removes it."""
        if self._database:
            self._pending[kind, key] = value

    def commit(self) -> None:
        """Write all records since the last commit, in one transaction."""
        if self._database is None or not self._pending:
            return
        kept = [(kind, key, json.dumps(value)) for (kind, key), value in self._pending.items() if value is not None]
        removed = [key for key, value in self._pending.items() if value is None]
        with self._database:
            self._database.executemany(_UPSERT, kept)
            self._database.executemany("DELETE FROM record WHERE kind = ? AND key = ?", removed)
        self._pending.clear()

    def load(self, kind: str) -> Iterator[JsonObject]:
        """Yield all records of a kind."""
        if self._database:
            for (value,) in self._database.execute("SELECT value FROM record WHERE kind = ?", (kind,)):
                yield as_object(json.loads(value))

    def clear(self) -> None:
        """Remove all records."""
        self._pending.clear()
        if self._database:
            with self._database:
                self._database.execute("DELETE FROM record")

    def close(self) -> None:
        """Commit, and close the file."""
        self.commit()
        if self._database:
            self._database.close()
            self._database = None


def _open_database(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)  # it has tokens; SQLite gives the same mode to its log of writes
    # One thread uses it at a time, but not always the one that opened it: the server may run in a thread of its own.
    database = sqlite3.connect(path, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.execute(_SCHEMA)
    database.commit()
    return database
