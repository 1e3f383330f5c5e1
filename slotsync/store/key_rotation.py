"""Key rotation: wrap the data keys with the newest key of the ring, and encrypt with them what was encrypted before."""

from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Column, Connection, func, select, update

from slotsync.domain.audit import WHOLE_MERCHANT, AuditAction, AuditChange
from slotsync.secrets import Vault, WrappedKey
from slotsync.store import former_values
from slotsync.store.audit_log import AuditLog
from slotsync.store.connections.account_keys import hash_account_key, is_former
from slotsync.store.content_hashes import HASHED_COLUMNS, FormerHashes
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import INSTANCE, cell_of, encrypted_columns
from slotsync.store.database.engine import Store
from slotsync.store.key_usage import FormerValue, KeyUsage
from slotsync.store.tables import METADATA
from slotsync.store.tables.calendars import FormerCalendarRow
from slotsync.store.tables.connections import ConnectionRow, PendingConsentRow
from slotsync.store.tables.instance import DataKeyRow

_KEYS = table_of(DataKeyRow)
_ACCOUNT_KEYS: Final = tuple(
    table_of(row).c.account_key for row in (ConnectionRow, PendingConsentRow, FormerCalendarRow)
)

DATA_KEYS: Final = "data keys"
"""The name of the data keys in the result of a rotation."""

_MAX_PASSES: Final = 10


@dataclass(frozen=True)
class ColumnRotation:
    """The result for a column, or for the data keys: how many were encrypted again, were current, open with no key.

    ``refused`` are bound to no place, though a former rotation had bound all.
    """

    column: str
    renewed: int = 0
    current: int = 0
    lost: int = 0
    refused: int = 0

    def after(self, former: "ColumnRotation") -> "ColumnRotation":
        """Return the result of two passes of which this one is the second."""
        return replace(self, renewed=self.renewed + former.renewed, current=self.current - former.renewed)


class KeyRotation:
    """Rotates the keys of a database, which other processes use meanwhile.

    With ``audit`` it stands in the log of each merchant of which something is encrypted anew, once a rotation, in the
    transaction of the first of that.
    """

    def __init__(self, store: Store, vault: Vault, audit: AuditLog | None = None) -> None:
        self._audit = audit
        self._recorded = set[str]()
        self._store = store
        self._vault = vault
        self._keys = DataKeys(vault)
        self._usage = KeyUsage(store, vault)
        self._hashes = FormerHashes(store, vault)

    def rotate(self, *, accept_unbound: bool = False) -> list[ColumnRotation]:
        """Wrap all data keys with the first key, encrypt or hash all former values with them; return what was done.

        It is repeated until nothing is left: a transaction that began before it may end after it. What changes
        meanwhile is left alone for the next pass. From then on former values are refused, here too unless
        ``accept_unbound``: they are bound to no place, and may have been moved to another merchant's.
        """
        self._recorded = {INSTANCE}
        with self._store.write() as connection:
            former_values.end_writing(connection, accept=accept_unbound)
        results = passed = self._pass()
        for _ in range(_MAX_PASSES):
            if not any(each.renewed for each in passed):
                break
            passed = self._pass()
            results = [each.after(former) for each, former in zip(passed, results, strict=True)]
        with self._store.write() as connection:
            former_values.refuse_if_none_is_left(connection)
        return results

    def _pass(self) -> list[ColumnRotation]:
        return [
            *map(self._rotate_column, encrypted_columns(METADATA)),
            *map(self._hash_account_keys, _ACCOUNT_KEYS),
            *(self._hash_contents(column, purpose) for column, purpose in HASHED_COLUMNS),
            self._rewrap_keys(),
        ]

    def _rotate_column(self, column: "Column[Any]") -> ColumnRotation:
        keys = self._usage.get_data_keys()
        opened = {key_id for key_id, key in keys.items() if self._vault.can_open(key)}
        counts = self._usage.count_by_data_key(column)
        current = sum(count for key_id, count in counts.items() if key_id in opened)
        renewed, lost, refused = 0, sum(counts.values()) - current, 0
        with self._store.read() as session:
            refusing = former_values.are_refused(session)
        for each in self._usage.iterate_former(column):
            if refusing:
                refused += 1
            elif self._vault.find_ring_key(each.encrypted):
                renewed += self._renew(column, each)
            else:
                lost += 1
        return ColumnRotation(f"{column.table.name}.{column.name}", renewed, current, lost, refused)

    def _renew(self, column: "Column[Any]", former: FormerValue) -> int:
        """Encrypt a former value with its merchant's data key, unless it has changed meanwhile; return 1 or 0."""
        table = column.table
        own = [each == former.row[each.name] for each in table.primary_key.columns]
        with self._store.write() as connection:
            text = self._keys.decrypt(connection, cell_of(column, former.merchant, former.row), former.encrypted)
            encrypted = self._keys.for_writing(connection, former.merchant).encrypt(column, text, **former.row)
            change = update(_KEYS.metadata.tables[table.name]).where(*own, column == former.encrypted)
            renewed = connection.execute(change.values({column.name: encrypted})).rowcount
            self._record(connection, former.merchant, renewed)
            return renewed

    def _hash_account_keys(self, column: "Column[Any]") -> ColumnRotation:
        table, renewed = _KEYS.metadata.tables[column.table.name], 0
        with self._store.read() as session:
            former = [*session.execute(select(column).where(is_former(column)).distinct()).scalars()]
        for each in former:
            with self._store.write() as connection:
                hashed = hash_account_key(connection, self._keys, each)
                change = update(table).where(column == each, column != hashed).values(account_key=hashed)
                renewed += connection.execute(change).rowcount
        with self._store.read() as session:
            current = session.execute(select(func.count(column)).where(~is_former(column))).scalar_one()
        return ColumnRotation(f"{table.name}.account_key", renewed, current - renewed)

    def _hash_contents(self, column: "Column[Any]", purpose: str) -> ColumnRotation:
        renewed, lost = self._hashes.renew(column, purpose)
        current = self._hashes.count_keyed(column) - renewed
        return ColumnRotation(f"{column.table.name}.{column.name}", renewed, current, lost)

    def _rewrap_keys(self) -> ColumnRotation:
        """Wrap all data keys with the first key of the ring.

        The instance's own is the last one: from then on new data keys are wrapped with the first key, and a process
        that has not got it is refused. So is one without the former key as long as this is not done.
        """
        renewed = current = lost = 0
        for key in sorted(self._usage.get_data_keys().values(), key=lambda each: each.merchant == INSTANCE):
            if key.ring_key == self._vault.fingerprints[0]:
                current += 1
            elif self._vault.can_open(key):
                renewed += self._rewrap(key)
            else:
                lost += 1
        return ColumnRotation(DATA_KEYS, renewed, current, lost)

    def _rewrap(self, key: WrappedKey) -> int:
        new = self._vault.rewrap(key)
        own = update(_KEYS).where(_KEYS.c.id == key.id, _KEYS.c.wrapped == key.wrapped)
        with self._store.write() as connection:
            renewed = connection.execute(own.values(ring_key=new.ring_key, wrapped=new.wrapped)).rowcount
            self._record(connection, key.merchant, renewed)
            return renewed

    def _record(self, connection: Connection, merchant: str, renewed: int) -> None:
        """Record the rotation of the merchant's keys within a transaction, as its last statement."""
        if self._audit and renewed and merchant not in self._recorded:
            rotated = AuditChange(action=AuditAction.KEYS_ROTATED, subject=WHOLE_MERCHANT)
            self._audit.record(connection, merchant, rotated, self._store.now())
            self._recorded.add(merchant)
