"""Insert or change in one statement: the same words for both databases."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, Executable, Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

Insert = sqlite.Insert | postgresql.Insert


class Upsert:
    """An insert that knows what to do on a conflict. Built once, because building costs more than running."""

    def __init__(self, table: Table, on_conflict: Callable[[Insert], Executable]) -> None:
        self._by_database: dict[str, Executable] = {
            "sqlite": on_conflict(sqlite.insert(table)),
            "postgresql": on_conflict(postgresql.insert(table)),
        }

    def run(self, connection: Connection, **values: object) -> object:
        """Runs it with these values of a new row; the first column of what it returns, if it returns a row."""
        result = connection.execute(self._by_database[connection.dialect.name], values)
        return result.scalar() if result.returns_rows else None


def table_of(row: type[SQLModel]) -> Table:
    """The table that these rows are in."""
    return row.metadata.tables[str(row.__tablename__)]


def since(table: Table, column: str, after: ColumnElement[object], now: ColumnElement[object]) -> ColumnElement[object]:
    """The row's ``since`` for as long as the column does not change, else ``now``."""
    return case((table.c[column] == after, table.c.since), else_=now)
