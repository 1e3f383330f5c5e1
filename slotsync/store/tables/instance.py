"""The table of the instance: which database this is, and the keys of its contents."""

from datetime import datetime

from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field


class InstanceRow(Row, table=True):
    """The only row: a made-up ``id`` of this database, and a text that the right keys open.

    ``worker_keys`` is not used any more: each worker has a row of its own.
    """

    __tablename__ = "instance"

    place: int = Field(primary_key=True)
    id: str
    sentinel: str | None = encrypted_field()
    worker_keys: str | None = None


class WorkerRow(Row, table=True):
    """A worker process with the fingerprints of its keys, separated by spaces, as last seen alive at ``seen_at``."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True)
    keys: str
    seen_at: datetime = Field(sa_type=Instant)
