import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from slotsync.errors import SettingsError
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.database.migrations import downgrade, upgrade
from slotsync.store.tables import METADATA

UPGRADE = (
    "import sys; from slotsync.store.database.engine import Store; s = Store.open(sys.argv[1]); s.upgrade(); s.close()"
)


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A store that was just migrated."""
    empty_store.upgrade()
    return empty_store


def test_models_and_migrations_agree(store: Store) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with store.write() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_every_table_is_made_and_a_downgrade_takes_all_of_them_back(store: Store) -> None:
    with store.write() as connection:
        assert {*inspect(connection).get_table_names()} == {*METADATA.tables, "alembic_version"}
        downgrade(connection)
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_downgraded_database_can_be_upgraded_again(store: Store) -> None:
    with store.write() as connection:
        downgrade(connection)
        upgrade(connection)
    assert Owners(store).get_all("arctic-kayaks") == {}


def test_missing_and_old_tables_are_said_with_the_remedy_and_newer_ones_will_do(empty_store: Store) -> None:
    with pytest.raises(SettingsError, match="slotsync db upgrade"):
        empty_store.require_tables()
    empty_store.upgrade()
    empty_store.require_tables()
    for revision, fine in (("0001", False), ("9999", True)):
        with empty_store.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        if fine:
            empty_store.require_tables()
        else:
            with pytest.raises(SettingsError, match="missing or old"):
                empty_store.require_tables()


def test_an_older_slotsync_starts_on_the_tables_of_a_newer_one(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.upgrade()
    with store.write() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    assert Owners(store).get_all("arctic-kayaks") == {}


def test_events_of_before_the_upgrade_may_have_marks_of_the_first_format(store: Store) -> None:
    values = "VALUES ('m', :id, '1', 'product', 'tour', 'in_step', '2026-11-22 12:00:00+00:00', '', true)"
    columns = "(merchant, reservation, item, kind, owner_id, state, since, link, present)"
    with store.write() as connection:
        downgrade(connection, "0024")
        connection.execute(text(f"INSERT INTO synced_event {columns} {values}"), {"id": "before"})
        upgrade(connection)
        connection.execute(text(f"INSERT INTO synced_event {columns} {values}"), {"id": "since"})
        found = connection.execute(text("SELECT reservation FROM synced_event WHERE first_format"))
        assert list(found.scalars()) == ["before"]


def test_an_upgrade_that_fails_leaves_nothing_behind(empty_store: Store) -> None:
    with pytest.raises(InterruptedError):
        _upgrade_and_fail(empty_store)
    with empty_store.write() as connection:
        assert inspect(connection).get_table_names() == []


def _upgrade_and_fail(store: Store) -> None:
    with store.write() as connection:
        upgrade(connection)
        raise InterruptedError


def test_processes_that_upgrade_at_once_do_not_disturb_each_other(empty_store: Store, database_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, database_url], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    problems = [process.communicate(timeout=60)[1] for process in processes]
    assert problems == [""] * 2
    assert [process.returncode for process in processes] == [0] * 2


def test_a_backend_may_have_tables_of_the_same_names() -> None:
    assert METADATA is not SQLModel.metadata
    assert "reservation" not in SQLModel.metadata.tables
