"""The instance: all processes of one installation have to use the same database and the same keys."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import delete, select

from slotsync.errors import RotationRefused, SettingsError, Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import INSTANCE, cell
from slotsync.store.database.engine import Store
from slotsync.store.former_values import is_any_left
from slotsync.store.tables.instance import InstanceRow, WorkerRow

_TABLE = table_of(InstanceRow)
_PUT = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())
_WORKERS = table_of(WorkerRow)
_ONLY: Final = 1
_SENTINEL: Final = "slotsync"
_KNOWS_DATA_KEYS: Final = "data-keys"
"""Stands among the fingerprints of workers that can read what is encrypted with data keys."""


WORKER_MEMORY: Final = timedelta(minutes=2)
"""The time after which a worker that was not seen does not count: each is seen every 20 seconds."""


def _see_again(insert: Insert) -> Insert:
    seen = {name: insert.excluded[name] for name in ("keys", "seen_at")}
    return insert.on_conflict_do_update(index_elements=_WORKERS.primary_key, set_=seen)


_PUT_WORKER = Upsert(_WORKERS, _see_again)


class Instances:
    """Stores the instance of this database, which the first process makes."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._keys = DataKeys(vault)

    def get_id(self) -> str:
        """Return the id of the instance.

        Raises:
            SettingsError: none of the keys opens what other processes have encrypted in this database.
        """
        row = self._read() or self._make()
        self._require_opening_key(row)
        return row.id

    def record_worker(self, worker: str, now: datetime) -> None:
        """Record that this worker lives, with the keys of this process. Workers of long ago are forgotten.

        Raises:
            SettingsError: none of the keys opens what is in this database.
        """
        self.get_id()
        with self._store.write() as connection:
            _PUT_WORKER.run(
                connection, id=worker, keys=" ".join((*self._vault.fingerprints, _KNOWS_DATA_KEYS)), seen_at=now
            )
            connection.execute(delete(_WORKERS).where(_WORKERS.c.seen_at < now - WORKER_MEMORY))

    def forget_worker(self, worker: str) -> None:
        """Forget a worker that ends."""
        with self._store.write() as connection:
            connection.execute(delete(_WORKERS).where(_WORKERS.c.id == worker))

    def is_any_alive(self, now: datetime) -> bool:
        """Return whether any worker has recorded within the last minutes that it lives, and did not end."""
        return bool(self._find_living(now))

    def require_worker_key(self, now: datetime) -> bool:
        """Check that every living worker can read what this process encrypts; false if none is known to live.

        Raises:
            SettingsError: one cannot.
        """
        found = self._find_living(now)
        if any(self._vault.fingerprints[0] not in keys for keys in found):
            raise SettingsError(
                "SLOTSYNC_ENCRYPTION_KEYS: the workers lack the first key, and could not read what is stored with it; "
                "give all processes the same keys, the workers first"
            )
        return bool(found)

    def require_rotatable(self, now: datetime) -> None:
        """Check that all living workers can read what a rotation encrypts.

        Raises:
            RotationRefused: one cannot; names the remedy.
        """
        found = self._find_living(now)
        if any(_KNOWS_DATA_KEYS not in keys for keys in found):
            raise RotationRefused(
                "a worker of a former version runs, which would not be able to read anything any more; upgrade it first"
            )
        if any(self._vault.fingerprints[0] not in keys for keys in found):
            raise RotationRefused(
                "a worker lacks the first key of SLOTSYNC_ENCRYPTION_KEYS, and would not be able to read anything any "
                "more; give all processes the same keys first"
            )

    def _find_living(self, now: datetime) -> list[set[str]]:
        """Return the names of the keys of each living worker."""
        living = select(_WORKERS.c["keys"]).where(_WORKERS.c.seen_at > now - WORKER_MEMORY)
        with self._store.read() as session:
            return [{*keys.split()} for keys in session.connection().execute(living).scalars()]

    def _read(self) -> InstanceRow | None:
        with self._store.read() as session:
            return session.get(InstanceRow, _ONLY)

    def _make(self) -> InstanceRow:
        with self._store.write() as connection:
            sentinel = self._keys.for_writing(connection, INSTANCE).encrypt(_TABLE.c.sentinel, _SENTINEL, place=_ONLY)
            new = not is_any_left(connection)
            _PUT.run(connection, place=_ONLY, id=str(uuid4()), sentinel=sentinel, former_refused=new)
            made = connection.execute(select(_TABLE)).mappings().one()
        return InstanceRow.model_validate(made)

    def _require_opening_key(self, row: InstanceRow) -> None:
        try:
            with self._store.read() as session:
                self._keys.decrypt(session, cell(_TABLE.c.sentinel, INSTANCE, place=_ONLY), row.sentinel or "")
        except Undecryptable:
            raise SettingsError(
                "SLOTSYNC_ENCRYPTION_KEYS: none of the keys opens what is stored in this database; "
                "give all processes the same keys"
            ) from None
