"""Cells: the places of encrypted texts, to each of which its text is bound."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, MetaData, Table, literal, select

from slotsync.store.database.base import BOUND_TO, ENCRYPTED, MERCHANT_COLUMN

INSTANCE: Final = ""
"""The merchant of what belongs to the instance itself."""


@dataclass(frozen=True)
class Cell:
    """The place of an encrypted text: merchant, table, column and row."""

    merchant: str
    column: "Column[Any]"
    row: tuple[object, ...]

    @property
    def place(self) -> str:
        """The text to which the cell's content is bound."""
        return json.dumps([self.merchant, self.column.table.name, self.column.name, *self.row])


def cell(column: "Column[Any]", merchant: str, /, **row: object) -> Cell:
    """Return the cell of this column in the row with these values; values that do not identify it are ignored."""
    return cell_of(column, merchant, row)


def cell_of(column: "Column[Any]", merchant: str, row: Mapping[str, object]) -> Cell:
    """Return the cell of this column in a row as it was read."""
    values = {**row, "merchant": merchant}
    return Cell(merchant, column, tuple(values[name] for name in identifying_columns(column.table)))


def identifying_columns(table: Any) -> tuple[str, ...]:
    """Return the names of the columns that identify a row of the table to its encrypted texts."""
    return tuple(table.info.get(BOUND_TO) or table.primary_key.columns.keys())


def encrypted_columns(metadata: MetaData) -> Iterator["Column[Any]"]:
    """Yield all columns with encrypted texts."""
    for table in metadata.sorted_tables:
        yield from (column for column in table.columns if column.info.get(ENCRYPTED))


def merchant_of(table: Table) -> ColumnElement[str]:
    """Return the merchant of the table's row: its own column, or that of the row to which it refers.

    Rows of tables without either belong to the instance.
    """
    own = table.info.get(MERCHANT_COLUMN, "merchant")
    if own in table.c:
        return table.c[own]
    for key in table.foreign_keys:
        target = key.column
        return select(merchant_of(target.table)).where(target == key.parent).scalar_subquery()
    return literal(INSTANCE)
