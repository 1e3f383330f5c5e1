"""Insert or change in one statement: the same words for both databases."""

from sqlalchemy import ColumnElement, Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Upsert = sqlite.Insert | postgresql.Insert


def table_of(row: type[SQLModel]) -> Table:
    """The table that these rows are in."""
    return row.metadata.tables[str(row.__tablename__)]


def insert_into(session: Session, table: Table, **values: object) -> Upsert:
    """An insert that can say what to do on a conflict, in the dialect of the session's database."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table).values(**values)
    return postgresql.insert(table).values(**values)


def since(table: Table, column: str, after: ColumnElement[object], now: object) -> ColumnElement[object]:
    """The row's ``since`` for as long as the column does not change, else ``now``."""
    return case((table.c[column] == after, table.c.since), else_=now)
