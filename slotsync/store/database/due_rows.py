"""Rows that are due: something is wanted that their workflows have not taken up, or have to look at again."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Update, func, or_, select, tuple_, update

from slotsync.store.database.engine import Store

Key = tuple[Any, ...]

Record = Callable[[Connection, Key], None]
"""A function that records, as the last in a transaction, what was done to the row with this key."""


class DueRows:
    """The rows of one table with the column ``due_at``, each known by its key columns.

    The tables of workflows also have ``stopped_at``, since when an operator has stopped the row's workflow, and
    ``problem``, what Temporal reports about it. With ``overdue_since`` a row that was postponed still counts as overdue
    until it is taken up.
    """

    def __init__(self, store: Store, table: Table, *key: str) -> None:
        self._store = store
        self._table = table
        self._key = tuple(table.c[name] for name in key)
        self._counts_postponed = "overdue_since" in table.c
        self._taken_up = {"overdue_since": None} if self._counts_postponed else {}

    def find(self, now: datetime) -> list[Key]:
        """Return the keys of the rows that are due, each once."""
        query = select(*self._key).where(self._table.c.due_at <= now).distinct()
        with self._store.read() as session:
            return [tuple(row) for row in session.connection().execute(query)]

    def postpone(self, keys: Iterable[Key], now: datetime, due_at: datetime) -> None:
        """Make these rows due later, unless they were taken up meanwhile."""
        due = self._table.c.due_at
        own = update(self._table).where(tuple_(*self._key).in_([*keys]), due <= now)
        if self._counts_postponed:
            own = own.values(overdue_since=func.coalesce(self._table.c.overdue_since, due))
        with self._store.write() as connection:
            connection.execute(own.values(due_at=due_at))

    def stop(self, now: datetime, *wanted: ColumnElement[bool], record: Record | None = None) -> None:
        """Record that an operator has stopped these rows: they are not due until they are resumed."""
        running = update(self._table).where(*wanted, self._table.c.stopped_at.is_(None))
        self._change(running.values(stopped_at=now, due_at=None, **self._taken_up), record)

    def resume(self, now: datetime, *wanted: ColumnElement[bool], record: Record | None = None) -> list[Key]:
        """Make the stopped ones of these rows due again, and return their keys."""
        stopped = update(self._table).where(*wanted, self._table.c.stopped_at.is_not(None))
        return self._change(stopped.values(stopped_at=None, due_at=now, **self._taken_up), record)

    def lock_stopped(self, connection: Connection, *wanted: ColumnElement[bool]) -> list[Key]:
        """Return the keys of the stopped ones of these rows, within a transaction that makes them due by a change."""
        stopped = select(*self._key).where(*wanted, self._table.c.stopped_at.is_not(None))
        return [tuple(row) for row in connection.execute(stopped.with_for_update())]

    def _change(self, change: Update, record: Record | None) -> list[Key]:
        with self._store.write() as connection:
            keys = sorted(tuple(row) for row in connection.execute(change.returning(*self._key)))
            if record:
                for key in keys:
                    record(connection, key)
            return keys

    def record_problems(self, problems: Mapping[Key, str]) -> None:
        """Record what Temporal reports about these rows' workflows, and that it reports nothing of others."""
        own = tuple_(*self._key)
        with self._store.write() as connection:
            reported = self._table.c.problem.is_not(None)
            connection.execute(update(self._table).where(reported).values(problem=None))
            for key, problem in problems.items():
                connection.execute(update(self._table).where(own == tuple_(*key)).values(problem=problem))

    def count_overdue(self, before: datetime) -> int:
        """Return how many rows have been due since before this time."""
        due = self._table.c.due_at < before
        return self._count(or_(due, self._table.c.overdue_since < before) if self._counts_postponed else due)

    def find_stopped(self, limit: int, merchant: str | None = None) -> list[Key]:
        """Return the keys of rows that an operator has stopped, in order, of one merchant or of all."""
        query = select(*self._key).where(self._table.c.stopped_at.is_not(None)).order_by(*self._key).limit(limit)
        if merchant is not None:
            query = query.where(self._table.c.merchant == merchant)
        with self._store.read() as session:
            return [tuple(row) for row in session.connection().execute(query)]

    def count_stopped(self) -> int:
        """Return how many rows an operator has stopped."""
        return self._count(self._table.c.stopped_at.is_not(None))

    def count_problems(self) -> int:
        """Return of how many rows Temporal last reported that their workflow cannot go on."""
        return self._count(self._table.c.problem.is_not(None))

    def _count(self, wanted: ColumnElement[bool]) -> int:
        with self._store.read() as session:
            return session.connection().execute(select(func.count()).where(wanted)).scalar_one()
