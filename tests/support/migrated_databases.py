"""Databases with all tables, which on SQLite are copied: to make them takes longer than many tests."""

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from slotsync.store.database.engine import Store


def open_migrated(database_url: str) -> Store:
    """Open the store at this URL, with all tables."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        write_migrated_sqlite(Path(url.database))
        return Store.open(database_url)
    store = Store.open(database_url)
    store.upgrade()
    return store


def write_migrated_sqlite(file: Path) -> None:
    """Write an SQLite database with all tables and without rows."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_migrated_sqlite())


@cache
def _migrated_sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "slotsync.db"
        store = Store.open(f"sqlite:///{file}")
        store.upgrade()
        store.close()
        return file.read_bytes()
