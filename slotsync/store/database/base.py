"""The base of all tables: base row, instants, encrypted columns, upserts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Dialect, Executable, MetaData, Table, case, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel
from typing_extensions import override


class Instant(TypeDecorator[datetime]):
    """A column type for points in time. Accepts aware datetimes only, and returns them in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value for the database.

        Raises:
            ValueError: the datetime is naive, which is a bug of slotsync.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a point in time needs a time zone")
        return value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the value from the database. SQLite stores no zone, PostgreSQL returns the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


ENCRYPTED = "encrypted"
"""The key that marks a column with encrypted texts."""

MERCHANT_COLUMN = "merchant column"
"""The key of the name of the column with the row's merchant, if it is not ``merchant``."""

BOUND_TO = "bound to"
"""The key of the names of the columns that identify a row to its encrypted texts, if not those of its primary key."""

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# A registry of our own: a backend that uses slotsync as a library may well have a SQLModel table "reservation" itself.
class Row(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """The base of all rows."""


def encrypted_field() -> Any:
    """Return a field with encrypted texts; ``slotsync keys rotate`` finds it by its mark."""
    return Field(default=None, sa_column_kwargs={"info": {ENCRYPTED: True}})


Insert = sqlite.Insert | postgresql.Insert


class Upsert:
    """An insert with its action on a conflict. Built once, because building costs more than running."""

    def __init__(self, table: Table, on_conflict: Callable[[Insert], Executable]) -> None:
        self._by_database: dict[str, Executable] = {
            "sqlite": on_conflict(sqlite.insert(table)),
            "postgresql": on_conflict(postgresql.insert(table)),
        }

    def run_all(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Run it with the values of each new row; there is at least one."""
        connection.execute(self._by_database[connection.dialect.name], rows)

    def run(self, connection: Connection, **values: object) -> object:
        """Run it with the values of a new row; return the first column of the returned row, or None without one."""
        result = connection.execute(self._by_database[connection.dialect.name], values)
        return result.scalar() if result.returns_rows else None


def where(condition: str) -> dict[str, Any]:
    """Return the arguments of an index of the rows that fulfil the condition: the few that are looked for."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def table_of(row: type[SQLModel]) -> Table:
    """Return the table of these rows."""
    return row.metadata.tables[str(row.__tablename__)]


def since(table: Table, column: str, after: ColumnElement[object], now: ColumnElement[object]) -> ColumnElement[object]:
    """Return the row's ``since`` if the column keeps its value, else ``now``."""
    return case((table.c[column] == after, table.c.since), else_=now)
