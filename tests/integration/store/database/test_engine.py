import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text

from slotsync.errors import SettingsError
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from tests.support.stored_reservations import ANY_KEY, store_version


def test_an_instant_comes_back_as_the_same_instant_in_utc(store: Store) -> None:
    in_lapland = datetime(2026, 7, 1, 18, 30, 15, 123456, tzinfo=timezone(timedelta(hours=3)))
    assert store_version(store, 1, in_lapland, ends_at=in_lapland)
    known = Reservations(store, ANY_KEY).get("m", "R-1")
    assert known is not None
    assert (known.ends_at, known.since) == (in_lapland, in_lapland)
    assert known.since.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 7, 1)  # noqa: DTZ001 - that is what must be refused
    with pytest.raises(Exception, match="needs a time zone"):
        store_version(store, 1, naive)


def test_a_transaction_that_fails_changes_nothing(store: Store) -> None:
    with pytest.raises(InterruptedError):
        _insert_and_fail(store)
    with store.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM merchant")).scalar() == 0


def _insert_and_fail(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("INSERT INTO merchant (id) VALUES ('m')"))
        raise InterruptedError


def test_a_sqlite_file_is_written_ahead_with_foreign_keys_in_force(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/new/folder/slotsync.db")
    with store.read() as session:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() for pragma in pragmas]
    store.close()
    assert found == ["wal", 1, 1, 30_000]


WRITE = """
import sys
from datetime import UTC, datetime
from slotsync.store.database.engine import Store
from tests.support.stored_reservations import store_version
store = Store.open(sys.argv[1])
for version in range(100):
    assert store_version(store, version, datetime.now(UTC), reservation=sys.argv[2])
store.close()
"""


def test_processes_that_write_at_once_all_succeed(store: Store, database_url: str) -> None:
    names = ["R-1", "R-2"]
    command = [sys.executable, "-c", WRITE, database_url]
    processes = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in names]
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 2
    assert [_version(store, name) for name in names] == [99, 99]


def _version(store: Store, reservation: str) -> int | None:
    known = Reservations(store, ANY_KEY).get("m", reservation)
    return known.version if known else None


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "nonsense"])
def test_a_database_that_cannot_work_is_refused_with_the_variable_that_names_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^SLOTSYNC_DATABASE_URL: "):
        Store.open(url)


def test_a_bad_url_is_not_quoted() -> None:
    with pytest.raises(SettingsError) as raised:
        Store.open("postgresql//slotsync:hunter2@host")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_a_postgresql_url_is_understood(postgres: str, scheme: str) -> None:
    store = Store.open(postgres.replace("postgresql", scheme, 1))
    with store.read() as session:
        assert session.connection().exec_driver_sql("SELECT 1").scalar() == 1
    store.close()
