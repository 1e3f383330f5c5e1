"""The table of erasures."""

from datetime import datetime

from sqlalchemy import true
from sqlmodel import Field

from slotsync.store.database.base import Instant, Row


class ErasureRow(Row, table=True):
    """An erasure of a merchant, or of one ``reservation``, which is empty for all of the merchant.

    Until ``repeat_until`` nothing of it is stored again; then its row is deleted, too. Once it is ``deleting``, which
    waits for Google, it is repeated for what was under way. ``counts`` is how much was deleted so far, by the name of
    the table: JSON.
    """

    __tablename__ = "erasure"

    merchant: str = Field(primary_key=True)
    reservation: str = Field(primary_key=True)
    begun_at: datetime = Field(sa_type=Instant)
    repeat_until: datetime = Field(sa_type=Instant)
    counts: str
    deleting: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
