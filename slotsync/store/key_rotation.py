"""Key rotation: encrypt all stored secrets with the newest key."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, select, update

from slotsync.domain.audit import WHOLE_MERCHANT, AuditAction, AuditChange
from slotsync.errors import SlotsyncError
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.base import ENCRYPTED
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.tables import METADATA


@dataclass(frozen=True)
class ColumnRotation:
    """The result for a column: how many secrets were encrypted again, are current already, or open with no key.

    A secret is current if it is encrypted with the first key.
    """

    column: str
    renewed: int = 0
    current: int = 0
    lost: int = 0


def encrypted_columns() -> Iterator[tuple[Table, "Column[str]"]]:
    """Yield all columns with encrypted texts, each with its table."""
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if column.info.get(ENCRYPTED):
                yield table, column


def rotate(store: Store, vault: Vault) -> list[ColumnRotation]:
    """Encrypt everything with the first key; return the result for each column.

    A secret that changes meanwhile is left alone: the change was encrypted with that key.
    """
    return [_rotate_column(store, vault, table, column) for table, column in encrypted_columns()]


def record_rotation(store: Store, vault: Vault) -> None:
    """Record a rotation in the audit logs of all merchants."""
    rotated = AuditChange(action=AuditAction.KEYS_ROTATED, subject=WHOLE_MERCHANT)
    AuditLog(store, vault).record_for_all(Merchants(store, vault).get_ids(), rotated, store.now())


def count_lost(store: Store, vault: Vault) -> int:
    """Return how many secrets open with none of the keys."""
    columns = [column for _, column in encrypted_columns()]
    return sum(_is_lost(vault, secret) for column in columns for _, secret in _secrets(store, column))


def _rotate_column(store: Store, vault: Vault, table: Table, column: "Column[str]") -> ColumnRotation:
    renewed = current = lost = 0
    for key, secret in _secrets(store, column):
        if vault.is_current(secret):
            current += 1
        elif _is_lost(vault, secret):
            lost += 1
        else:
            renewed += _replace(store, table, column, key, (secret, vault.rotate(secret)))
    return ColumnRotation(f"{table.name}.{column.name}", renewed, current, lost)


def _secrets(store: Store, column: "Column[str]") -> list[tuple[tuple[object, ...], str]]:
    keys = column.table.primary_key.columns
    with store.read() as session:
        rows = session.execute(select(column, *keys).where(column.is_not(None)))
        return [(tuple(key), secret) for secret, *key in rows]


def _replace(
    store: Store, table: Table, column: "Column[str]", key: tuple[object, ...], change: tuple[str, str]
) -> int:
    """Replace the old secret if it has not changed meanwhile; return the number of replaced secrets, 0 or 1."""
    before, after = change
    own = [part == value for part, value in zip(table.primary_key.columns, key, strict=True)]
    with store.write() as connection:
        written = connection.execute(update(table).where(*own, column == before).values({column.name: after}))
        return written.rowcount


def _is_lost(vault: Vault, secret: str) -> bool:
    try:
        vault.decrypt(secret)
    except SlotsyncError:
        return True
    return False
