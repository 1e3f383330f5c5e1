"""The table of the instance: which database this is, and the keys of its contents."""

from sqlmodel import Field

from slotsync.store.database.base import Row, encrypted_field


class InstanceRow(Row, table=True):
    """The only row: a made-up ``id`` of this database, and a text that the right keys open.

    ``worker_keys`` are the fingerprints of the workers' keys, separated by spaces; null until a worker has started.
    """

    __tablename__ = "instance"

    place: int = Field(primary_key=True)
    id: str
    sentinel: str | None = encrypted_field()
    worker_keys: str | None = None
