"""Tables of the instance: which database this is, its workers, and the keys of its contents."""

from datetime import datetime

from sqlalchemy import false
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field


class InstanceRow(Row, table=True):
    """The only row: a made-up ``id`` of this database, and a text that the right keys open.

    ``worker_keys`` is not used any more: each worker has a row of its own. With ``former_encryption`` processes of a
    former version may run, which know no data keys: until ``slotsync keys rotate`` nothing is encrypted with one.
    With ``former_refused`` it has left no value that is bound to no place, and one that appears is not taken.
    """

    __tablename__ = "instance"

    place: int = Field(primary_key=True)
    id: str
    sentinel: str | None = encrypted_field()
    worker_keys: str | None = None
    former_encryption: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    former_refused: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class DataKeyRow(Row, table=True):
    """The data key of a merchant, wrapped with the key of the ring that ``ring_key`` names.

    The one of the merchant with the empty id is the instance's own.
    """

    __tablename__ = "data_key"

    merchant: str = Field(primary_key=True)
    id: str = Field(unique=True)
    ring_key: str
    wrapped: str


class WorkerRow(Row, table=True):
    """A worker process with the fingerprints of its keys, separated by spaces, as last seen alive at ``seen_at``."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True)
    keys: str
    seen_at: datetime = Field(sa_type=Instant)
