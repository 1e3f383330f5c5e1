"""The instance: all processes of one installation have to use the same database and the same keys."""

from typing import Final
from uuid import uuid4

from sqlalchemy import select, update

from slotsync.errors import SettingsError, SlotsyncError
from slotsync.secrets import Vault
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.instance import InstanceRow

_TABLE = table_of(InstanceRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())
_ONLY: Final = 1
_SENTINEL: Final = "slotsync"


class Instances:
    """Stores the instance of this database, which the first process makes."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def get_id(self) -> str:
        """Return the id of the instance.

        Raises:
            SettingsError: none of the keys opens what other processes have encrypted in this database.
        """
        row = self._read() or self._make()
        self._require_opening_key(row)
        return row.id

    def record_worker_keys(self) -> None:
        """Record the keys of this process as those of the workers."""
        self.get_id()
        keys = " ".join(self._vault.fingerprints)
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.place == _ONLY).values(worker_keys=keys))

    def require_worker_key(self) -> bool:
        """Check that the workers can read what this process encrypts; return false if no worker has started yet.

        Raises:
            SettingsError: they cannot.
        """
        row = self._read()
        if row is None or row.worker_keys is None:
            return False
        if self._vault.fingerprints[0] not in row.worker_keys.split():
            raise SettingsError(
                "SLOTSYNC_ENCRYPTION_KEYS: the workers lack the first key, and could not read what is stored with it; "
                "give all processes the same keys, the workers first"
            )
        return True

    def _read(self) -> InstanceRow | None:
        with self._store.read() as session:
            return session.get(InstanceRow, _ONLY)

    def _make(self) -> InstanceRow:
        with self._store.write() as connection:
            _PUT.run(connection, place=_ONLY, id=str(uuid4()), sentinel=self._vault.encrypt(_SENTINEL))
            made = connection.execute(select(_TABLE)).mappings().one()
        return InstanceRow.model_validate(made)

    def _require_opening_key(self, row: InstanceRow) -> None:
        try:
            self._vault.decrypt(row.sentinel or "")
        except SlotsyncError:
            raise SettingsError(
                "SLOTSYNC_ENCRYPTION_KEYS: none of the keys opens what is stored in this database; "
                "give all processes the same keys"
            ) from None
