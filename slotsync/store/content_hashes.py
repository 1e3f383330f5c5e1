"""Hashes of contents as they are stored: with the merchants' data keys, so that they go with these."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, and_, func, select, tuple_, update

from slotsync.domain.content_hashes import HASH_PREFIX, ContentHasher, is_keyed
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

CONTENT_HASHES: Final = "slotsync content hashes"
"""The purpose of the hashes of what was reported."""

FINGERPRINTS: Final = "slotsync fingerprints"
"""The purpose of the hashes of events, which Google keeps, too."""

CALENDAR_MARKS: Final = "slotsync calendar marks"
"""The purpose of the hashes in the descriptions of calendars, which Google alone keeps."""

HASHED_COLUMNS: Final = (
    (table_of(ReservationRow).c.content_hash, CONTENT_HASHES),
    (table_of(SyncedEventRow).c.fingerprint, FINGERPRINTS),
)
"""The columns with hashes of contents, each with its purpose."""

_MAX_ROWS_PER_PAGE: Final = 500


class MerchantHashers:
    """Finds what makes hashes with merchants' keys, for one purpose."""

    def __init__(self, store: Store, vault: Vault, purpose: str) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._purpose = purpose

    def get_hasher(self, merchant: str) -> ContentHasher:
        """Return what makes the merchant's hashes.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        with self._store.read() as session:
            found = self._keys.find_hasher(session, merchant, self._purpose)
        return found or self._make_hasher(merchant)

    def _make_hasher(self, merchant: str) -> ContentHasher:
        with self._store.write() as connection:
            return self._keys.for_writing(connection, merchant).get_hasher(self._purpose)


class Fingerprints(MerchantHashers):
    """Finds what makes the fingerprints of merchants' events."""

    def __init__(self, store: Store, vault: Vault) -> None:
        super().__init__(store, vault, FINGERPRINTS)

    def hash(self, merchant: str, fingerprint: str) -> str:
        """Return the fingerprint of one of the merchant's events as it is stored, which may be a plain one of before.

        Raises:
            Undecryptable: no key of the ring opens the merchant's.
        """
        if not fingerprint or is_keyed(fingerprint):
            return fingerprint
        return self.get_hasher(merchant).hash(fingerprint)


class FormerHashes:
    """Replaces plain hashes, which former versions stored. That takes no content: the new ones are made from them."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def renew(self, column: "Column[Any]", purpose: str) -> tuple[int, int]:
        """Hash the plain hashes of a column with the merchants' keys.

        Return how many that were, and of how many no key opens the merchant's.
        """
        renewed = lost = 0
        for page in self._pages(column):
            for merchant in {key[0] for key in page}:
                own = [key for key in page if key[0] == merchant]
                try:
                    renewed += self._renew(column, purpose, merchant, own)
                except Undecryptable:
                    lost += len(own)
        return renewed, lost

    def count_keyed(self, column: "Column[Any]") -> int:
        """Return how many hashes of a column are made with keys."""
        with self._store.read() as session:
            return int(session.execute(select(func.count()).where(column.startswith(HASH_PREFIX))).scalar_one())

    def _pages(self, column: "Column[Any]") -> Iterator[list[tuple[Any, ...]]]:
        """Yield the keys of the rows with plain hashes, page by page."""
        key = column.table.primary_key.columns
        query = select(*key).where(_is_plain(column)).order_by(*key).limit(_MAX_ROWS_PER_PAGE)
        page = self._read(query)
        while page:
            yield page
            page = self._read(query.where(tuple_(*key) > tuple_(*page[-1])))

    def _read(self, query: Any) -> list[tuple[Any, ...]]:
        with self._store.read() as session:
            return [tuple(row) for row in session.execute(query)]

    def _renew(self, column: "Column[Any]", purpose: str, merchant: str, rows: list[tuple[Any, ...]]) -> int:
        """Hash those of these rows of a merchant that are plain still; one that changes meanwhile waits for this."""
        table, key = SyncedEventRow.metadata.tables[column.table.name], column.table.primary_key.columns
        plain = select(*key, column).where(tuple_(*key).in_(rows), _is_plain(column)).order_by(*key)
        renewed = 0
        with self._store.write() as connection:
            hasher = self._keys.for_writing(connection, merchant).get_hasher(purpose)
            for *values, former in connection.execute(plain.with_for_update()).all():
                own = [each == value for each, value in zip(key, values, strict=True)]
                change = update(table).where(*own).values({column.name: hasher.hash(former)})
                renewed += connection.execute(change).rowcount
        return renewed


def _is_plain(column: "Column[Any]") -> Any:
    return and_(column.is_not(None), column != "", column.not_like(f"{HASH_PREFIX}%"))
