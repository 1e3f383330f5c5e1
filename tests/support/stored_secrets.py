"""Encrypted values as they are stored, decrypted, or replaced by what former versions stored."""

from typing import Any

from sqlalchemy import Column, select, update

from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.cells import Cell, cell_of, encrypted_columns, identifying_columns, merchant_of
from slotsync.store.database.engine import Store
from slotsync.store.tables import METADATA
from slotsync.store.tables.instance import InstanceRow


def column(name: str) -> "Column[Any]":
    """Return the encrypted column with this name, after that of its table."""
    return next(each for each in encrypted_columns(METADATA) if f"{each.table.name}.{each.name}" == name)


def stored_cells(store: Store, name: str) -> dict[Cell, str]:
    """Return the encrypted values of the column as they are stored."""
    wanted = column(name)
    table: Any = wanted.table
    query = select(table, merchant_of(table).label("its merchant")).where(wanted.is_not(None))
    with store.read() as session:
        rows = [{**row} for row in session.execute(query).mappings()]
    return {cell_of(wanted, row["its merchant"], row): row[wanted.name] for row in rows}


def stored_values(store: Store, name: str) -> list[str]:
    """Return the encrypted values of the column as they are stored."""
    return [*stored_cells(store, name).values()]


def decrypted_values(store: Store, vault: Vault, name: str) -> dict[tuple[Any, ...], str]:
    """Return the decrypted values of the column, by what identifies their rows."""
    cells, keys = stored_cells(store, name), DataKeys(vault)
    with store.read() as session:
        return {cell.row: keys.decrypt(session, cell, value) for cell, value in cells.items()}


def store_as_formerly(store: Store, vault: Vault, name: str, former: Vault) -> int:
    """Replace all values of the column by what processes of a former version would have stored; return how many."""
    wanted = column(name)
    table: Any = wanted.table
    for row, text in (values := decrypted_values(store, vault, name)).items():
        own = dict(zip(identifying_columns(table), row, strict=True))
        with store.write() as connection:
            connection.execute(update(table).filter_by(**own).values({wanted.name: former.encrypt(text)}))
    return len(values)


def begin_as_formerly(store: Store) -> None:
    """Let processes of a former version have used the database."""
    with store.write() as connection:
        former = {"former_encryption": True, "former_refused": False}
        connection.execute(update(METADATA.tables[str(InstanceRow.__tablename__)]).values(former))
