"""Migrations: they bring the database to the current schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_LOCK = 0x510757
"""The id of the advisory lock: any number that nothing else in this database locks."""


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing migrations up to the revision, within the connection's transaction."""
    command.upgrade(_locked(connection), revision)


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Undo the migrations after the revision, within the connection's transaction."""
    command.downgrade(_locked(connection), revision)


def config() -> Config:
    """Return Alembic's configuration, for new revisions and for its own commands."""
    configuration = Config()
    # Doubled, because Alembic reads a single % as a placeholder.
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration


def _locked(connection: Connection) -> Config:
    """Wait until no other process migrates, and return the configuration with this connection.

    SQLite needs no lock besides its transaction.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    configuration = config()
    configuration.attributes["connection"] = connection
    return configuration


def is_behind(connection: Connection) -> bool:
    """Return whether an upgrade would change something; a revision that is unknown here is from a newer slotsync."""
    present = MigrationContext.configure(connection).get_current_revision()
    older = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][1:]
    return present is None or present in older


def revisions(connection: Connection) -> tuple[str | None, str | None]:
    """Return the database's revision (None if it has no tables), and the newest one."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision(), newest
