"""Key usage: what is encrypted with which key. Nothing is decrypted but former values, which name no key."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, func, literal, select, tuple_

from slotsync.domain.messages import Message
from slotsync.secrets import KEY_ID_LENGTH, PREFIX, Vault, WrappedKey
from slotsync.store import former_values
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import encrypted_columns, identifying_columns, merchant_of
from slotsync.store.database.engine import Store
from slotsync.store.tables import METADATA
from slotsync.store.tables.audit import AuditEntryRow
from slotsync.store.tables.instance import DataKeyRow

_AUDIT = table_of(AuditEntryRow)
_KEYS = table_of(DataKeyRow)
_PAGE: Final = 500
_MERCHANT: Final = "merchant of the row"


@dataclass(frozen=True)
class FormerValue:
    """A value that the ring itself has encrypted, as former versions did, and all columns that identify its row."""

    merchant: str
    row: Mapping[str, Any]
    encrypted: str


class RingKeyUse(Message):
    """The use of a key of the ring: data keys, the values encrypted with those, and former values.

    ``ring_key`` is its fingerprint, None of what opens with no key. ``place`` is its place in the ring, from 1, None if
    it is not there. ``refused_values`` are former ones that nothing takes any more: nobody knows who put them there.
    """

    ring_key: str | None
    place: int | None
    data_keys: int = 0
    values: int = 0
    former_values: int = 0
    refused_values: int = 0

    @property
    def needed(self) -> bool:
        """Return whether something depends on the key."""
        return bool(self.data_keys or self.values or self.former_values)


class KeyUsage:
    """Reads what is encrypted with which key."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def get_uses(self) -> list[RingKeyUse]:
        """Return the use of each key: of those in the ring, in its order, then of others."""
        keys = self.get_data_keys()
        wrapped = Counter(key.ring_key for key in keys.values())
        values, former = Counter[str | None](), Counter[str | None]()
        for column in encrypted_columns(METADATA):
            for key_id, count in self.count_by_data_key(column).items():
                values[keys[key_id].ring_key if key_id in keys else None] += count
            former.update(self._vault.find_ring_key(each.encrypted) for each in self.iterate_former(column))
        with self._store.read() as session:
            refusing = former_values.are_refused(session)
        ring = self._vault.fingerprints
        others = sorted({*wrapped, *values, *former} - {*ring}, key=str)
        return [
            RingKeyUse(
                ring_key=name,
                place=ring.index(name) + 1 if name in ring else None,
                data_keys=wrapped[name] if name else 0,
                values=values[name],
                former_values=0 if refusing else former[name],
                refused_values=former[name] if refusing else 0,
            )
            for name in (*ring, *others)
        ]

    def count_lost(self) -> int:
        """Return how many values open with none of the keys."""
        return sum(use.values + use.former_values for use in self.get_uses() if use.place is None)

    def get_data_keys(self) -> dict[str, WrappedKey]:
        """Return all data keys, by their ids."""
        query = select(_KEYS.c.merchant, _KEYS.c.id, _KEYS.c.ring_key, _KEYS.c.wrapped)
        with self._store.read() as session:
            return {row.id: WrappedKey(*row) for row in session.execute(query)}

    def count_by_data_key(self, column: "Column[Any]") -> dict[str, int]:
        """Return how many values of the column are encrypted with each data key, by its id.

        Entries of the audit log of which the data key is deleted are left out: that was an erasure, no loss.
        """
        key_id = func.substr(column, len(PREFIX) + 1, KEY_ID_LENGTH)
        query = select(key_id, func.count()).where(column.startswith(PREFIX)).group_by(key_id)
        if column.table.name == _AUDIT.name:
            query = query.where(key_id.in_(select(_KEYS.c.id)))
        with self._store.read() as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def iterate_former(self, column: "Column[Any]") -> Iterator[FormerValue]:
        """Yield the former values of the column, in the order of the primary key."""
        after: tuple[object, ...] | None = None
        while page := self._read_former(column, after):
            yield from page
            after = tuple(page[-1].row[name] for name in primary_key(column.table))

    def _read_former(self, column: "Column[Any]", after: tuple[object, ...] | None) -> list[FormerValue]:
        table = column.table
        key = [table.c[name] for name in primary_key(table)]
        names = dict.fromkeys((*primary_key(table), *identifying_columns(table)))
        query = select(column, merchant_of(table).label(_MERCHANT), *(table.c[name] for name in names))
        query = query.where(column.is_not(None), column.not_like(f"{PREFIX}%")).order_by(*key).limit(_PAGE)
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*(literal(value) for value in after)))
        with self._store.read() as session:
            rows = session.execute(query).mappings().all()
        return [FormerValue(row[_MERCHANT], {name: row[name] for name in names}, row[column.name]) for row in rows]


def primary_key(table: Any) -> list[str]:
    """Return the names of the columns of the table's primary key."""
    return [column.name for column in table.primary_key.columns]
