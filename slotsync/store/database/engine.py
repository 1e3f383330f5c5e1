"""The database: opened once, used from many threads in short transactions."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from slotsync.clock import utc_now
from slotsync.errors import SettingsError
from slotsync.private_files import create_private_file
from slotsync.store.database.migrations import is_behind, upgrade
from slotsync.store.database.postgresql import DATABASE_TIMEOUT, postgresql_engine, wait_for_ever

MAX_DATABASE_CONNECTIONS = 16
"""As many as there are short activities at the same time; more threads wait until a connection is free."""

LOG_TIMEOUT = timedelta(seconds=30)
"""The time for which readers may hold up the clean-up of SQLite's log."""

_LOCK_TIMEOUT = timedelta(seconds=30)
_WRITING = {"slotsync_begin": "IMMEDIATE"}


def read_clock(connection: Connection) -> datetime:
    """Return the time by the clock of the database, as ``Store.now`` does, within a transaction."""
    if connection.dialect.name == "sqlite":
        return utc_now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


class Store:
    """The stored data of slotsync, in SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**_WRITING)
        # SQLite has one writer at a time, and the others sleep and try again; a lock here wakes them immediately.
        self._write_lock = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @classmethod
    def open(cls, database_url: str, answer_within: timedelta = DATABASE_TIMEOUT) -> Self:
        """Return the store in this database; create the folder of a SQLite file.

        A PostgreSQL server that does not answer a statement within ``answer_within`` counts as lost.

        Raises:
            SettingsError: the URL is not valid.
        """
        url = _parse(database_url)
        if url.get_backend_name() == "sqlite":
            return cls(_sqlite(url))
        return cls(postgresql_engine(url, MAX_DATABASE_CONNECTIONS, answer_within))

    def now(self) -> datetime:
        """Return the time by the database's clock, which is one for all processes on all machines.

        What somebody wants is due at that time: by a clock that is ahead, it would be taken up that much too late.
        SQLite has no clock of its own; its processes are on one machine.
        """
        if self._engine.dialect.name == "sqlite":
            return utc_now()
        with self._engine.connect() as connection:
            return read_clock(connection)

    def upgrade(self) -> None:
        """Bring the tables to the current schema; safe in several processes at the same time.

        Tables of a newer slotsync stay as they are: migrations only add, so that this version can work with them.
        """
        with self.write() as connection:
            if is_behind(connection):
                wait_for_ever(connection)
                upgrade(connection)

    def require_tables(self) -> None:
        """Check that no table is missing; tables of a newer slotsync are accepted.

        Raises:
            SettingsError: tables are missing or old; the message names the remedy.
        """
        with self._engine.connect() as connection:
            if is_behind(connection):
                raise SettingsError("SLOTSYNC_DATABASE_URL: its tables are missing or old (run: slotsync db upgrade)")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one state of the database."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection for one transaction, which is committed at the end, or rolled back on an error."""
        with self._write_lock, self._writing.begin() as connection:
            yield connection

    def empty_log(self, within: timedelta = LOG_TIMEOUT) -> bool:
        """Leave nothing in SQLite's log of the newest writes, once they are in its file, where deleted rows are zeros.

        Return false if a reader has held that up for all this time. PostgreSQL looks after its own log.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        with self._engine.connect() as connection:
            connection.commit()
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            try:
                driver.execute(f"PRAGMA busy_timeout = {int(within.total_seconds() * 1000)}").close()
                ((busy, *_),) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                driver.execute(f"PRAGMA busy_timeout = {int(_LOCK_TIMEOUT.total_seconds() * 1000)}").close()
        return not busy

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _parse(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except ArgumentError:
        # Not raised from the cause: it quotes the URL, which may hold a password.
        raise SettingsError("SLOTSYNC_DATABASE_URL: is not a database URL") from None
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("SLOTSYNC_DATABASE_URL: SQLite needs a file: its memory is not shared between threads")
    file = Path(url.database).absolute()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_private_file(file)  # its log of writes gets the same mode from SQLite
    engine = create_engine(
        url,
        pool_size=MAX_DATABASE_CONNECTIONS,
        connect_args={"timeout": _LOCK_TIMEOUT.total_seconds()},
        hide_parameters=True,  # errors are kept by Temporal, readable
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin in _begin_sqlite, not by the driver's own rules
    # SQLite's own knows no letters but those of English.
    connection.create_function("lower", 1, _lower, deterministic=True)
    # What is deleted or replaced is overwritten: pages that are free would hold it until they are used again.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _lower(value: str | float | bytes | None) -> str | float | bytes | None:
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes fails if another one wrote in between; IMMEDIATE waits instead.
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('slotsync_begin', 'DEFERRED')}")
