"""Data keys: each merchant's values are encrypted with its own key, which rests wrapped in the database."""

from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, delete, select
from sqlmodel import Session

from slotsync.domain.content_hashes import ContentHasher
from slotsync.errors import Undecryptable
from slotsync.secrets import DataKey, Vault, WrappedKey, read_key_id
from slotsync.store import former_values
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.cells import INSTANCE, Cell, cell_of
from slotsync.store.tables.instance import DataKeyRow

_TABLE = table_of(DataKeyRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())
_COLUMNS = (_TABLE.c.merchant, _TABLE.c.id, _TABLE.c.ring_key, _TABLE.c.wrapped)
_SELECT = select(*_COLUMNS).where(_TABLE.c.merchant == bindparam("merchant"))
_LOCK = _SELECT.with_for_update(read=True)
_LOCK_KEY = _SELECT.with_for_update(read=True, key_share=True)


class MerchantKey:
    """A merchant's key within a transaction that writes; None stands for the former encryption by the ring itself.

    It is not opened before something is encrypted: what is only deleted needs no key.
    """

    def __init__(self, vault: Vault, merchant: str, key: WrappedKey | None) -> None:
        self._vault = vault
        self._merchant = merchant
        self._key = key

    def encrypt(self, column: "Column[Any]", text: str, /, **row: object) -> str:
        """Return the text encrypted for this column of the row with these values.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        return self.encrypt_cell(cell_of(column, self._merchant, row), text)

    def encrypt_cell(self, place: Cell, text: str) -> str:
        """Return the text encrypted for this cell, which may be another merchant's.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        if self._key is None:
            return self._vault.encrypt(text)
        return _open(self._vault, self._key).encrypt(text, place.place)

    def get_hasher(self, purpose: str) -> ContentHasher:
        """Return what makes hashes with the key for this purpose; formerly they are plain.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        return _hasher(self._vault, self._key, purpose)


class DataKeys:
    """Encrypts and decrypts the values of the database. The vault remembers the keys for a while."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def for_writing(self, connection: Connection, merchant: str) -> MerchantKey:
        """Return the merchant's key, which is made with its first value.

        Until the transaction ends, nobody can erase the key: what is encrypted with it would never open.

        Raises:
            Undecryptable: this process has not got the key of the ring with which a new one would be wrapped.
        """
        key = self._find(connection, merchant)
        if key is None and not former_values.are_written_until_end(connection):
            key = self._make(connection, merchant)
        return MerchantKey(self._vault, merchant, key)

    def decrypt(self, database: Connection | Session, place: Cell, encrypted: str) -> str:
        """Return the decrypted content of a cell.

        Raises:
            Undecryptable: no key fits, or the text is damaged, or belongs to another cell.
        """
        key_id = read_key_id(encrypted)
        if key_id is None:
            if encrypted and former_values.are_refused(database):
                raise Undecryptable("A secret is bound to no place, though a rotation of the keys has bound all.")
            return self._vault.decrypt(encrypted)
        return self._get(database, key_id).decrypt(encrypted, place.place)

    def hash(self, database: Connection | Session, text: str, purpose: str) -> str | None:
        """Return a hash of the text with the instance's key, or None as long as it has none."""
        own = _find_unless_former(database, INSTANCE)
        return _open(self._vault, own).hash(text, purpose) if own else None

    def find_hasher(self, session: Session, merchant: str, purpose: str) -> ContentHasher | None:
        """Return what makes hashes with the merchant's key for this purpose, or None if it has no key yet.

        Formerly they are plain.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        key = _find_unless_former(session, merchant)
        return _hasher(self._vault, key, purpose) if key or former_values.are_written(session) else None

    def _get(self, database: Connection | Session, key_id: str) -> DataKey:
        if known := self._vault.find(key_id):
            return known
        row = database.execute(select(*_COLUMNS).where(_TABLE.c.id == key_id)).one_or_none()
        if row is None:
            raise Undecryptable("A secret cannot be decrypted: its data key was erased.")
        return self._vault.open(WrappedKey(*row))

    def _find(self, connection: Connection, merchant: str) -> WrappedKey | None:
        return _first(connection, _LOCK_KEY, merchant)

    def _make(self, connection: Connection, merchant: str) -> WrappedKey:
        """Store a new key, wrapped as the instance's own is: which key of the ring is in use, only a rotation changes.

        Other processes may not have the first key of this one's ring yet; and one that was forgotten has former keys
        only, which are not to be needed again. The lock lets a rotation find the new key.
        """
        if merchant != INSTANCE and not self._find(connection, INSTANCE):
            self._make(connection, INSTANCE)
        used = _first(connection, _LOCK, INSTANCE)
        new = self._vault.make_key(merchant, used.ring_key if used else None)
        _PUT.run(connection, merchant=merchant, id=new.id, ring_key=new.ring_key, wrapped=new.wrapped)
        made = self._find(connection, merchant)
        assert made
        return made


def erase_data_key(connection: Connection, merchant: str) -> None:
    """Delete the merchant's data key within a transaction, before everything else of the merchant.

    In this order nobody writes what no key opens: it waits for writers that use the key, and what is written later gets
    a new key. What was encrypted with the key opens only for those who have a backup of its row, too; a process
    remembers the key for ``KEY_CACHE_TIME`` at most.
    """
    connection.execute(delete(_TABLE).where(_TABLE.c.merchant == merchant))


def _hasher(vault: Vault, key: WrappedKey | None, purpose: str) -> ContentHasher:
    if key is None:
        return ContentHasher()
    opened = _open(vault, key)
    return ContentHasher(key.id, lambda text: opened.hash(text, purpose))


def _open(vault: Vault, key: WrappedKey) -> DataKey:
    return vault.find(key.id) or vault.open(key)


def _find_unless_former(database: Connection | Session, merchant: str) -> WrappedKey | None:
    if former_values.are_written(database):
        return None
    row = database.execute(_SELECT, {"merchant": merchant}).one_or_none()
    return WrappedKey(*row) if row else None


def _first(connection: Connection, query: Select[tuple[Any, ...]], merchant: str) -> WrappedKey | None:
    row = connection.execute(query, {"merchant": merchant}).one_or_none()
    return WrappedKey(*row) if row else None
