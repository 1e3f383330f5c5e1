"""Encrypt what is stored with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, select, update

from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.store.database.base import ENCRYPTED
from slotsync.store.database.engine import Store
from slotsync.store.tables import METADATA


@dataclass(frozen=True)
class ColumnRotation:
    """How many secrets of a column were sealed anew, are sealed with the first key already, or open with no key."""

    column: str
    renewed: int = 0
    current: int = 0
    lost: int = 0


def encrypted_columns() -> Iterator[tuple[Table, "Column[str]"]]:
    """Every column that holds secrets."""
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if column.info.get(ENCRYPTED):
                yield table, column


def rotate(store: Store, vault: Vault) -> list[ColumnRotation]:
    """Seals everything with the first key. A secret that changes meanwhile is left: it was sealed with that key."""
    return [_rotate_column(store, vault, table, column) for table, column in encrypted_columns()]


def count_lost(store: Store, vault: Vault) -> int:
    """How many secrets open with none of the keys."""
    return sum(_is_lost(vault, sealed) for _, column in encrypted_columns() for _, sealed in _secrets(store, column))


def _rotate_column(store: Store, vault: Vault, table: Table, column: "Column[str]") -> ColumnRotation:
    renewed = current = lost = 0
    for key, sealed in _secrets(store, column):
        if vault.is_current(sealed):
            current += 1
        elif _is_lost(vault, sealed):
            lost += 1
        else:
            renewed += _replace(store, table, column, key, (sealed, vault.rotate(sealed)))
    return ColumnRotation(f"{table.name}.{column.name}", renewed, current, lost)


def _secrets(store: Store, column: "Column[str]") -> list[tuple[tuple[object, ...], str]]:
    keys = column.table.primary_key.columns
    with store.read() as session:
        rows = session.execute(select(column, *keys).where(column.is_not(None)))
        return [(tuple(key), sealed) for sealed, *key in rows]


def _replace(
    store: Store, table: Table, column: "Column[str]", key: tuple[object, ...], change: tuple[str, str]
) -> int:
    """Writes the new one where the old one still stands; how many that were."""
    before, after = change
    place = [part == value for part, value in zip(table.primary_key.columns, key, strict=True)]
    with store.write() as connection:
        written = connection.execute(update(table).where(*place, column == before).values({column.name: after}))
        return written.rowcount


def _is_lost(vault: Vault, sealed: str) -> bool:
    try:
        vault.decrypt(sealed)
    except SlotsyncError:
        return True
    return False
