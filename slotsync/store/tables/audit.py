"""The table of the audit log."""

from datetime import datetime

from sqlmodel import Field

from slotsync.store.database.base import Instant, Row, encrypted_field


class AuditEntryRow(Row, table=True):
    """An entry of a merchant's audit log. The database refuses to change or delete one.

    Only a ``content`` of a former version may be written anew, once, by the rotation that binds it to its row.
    ``number`` counts the merchant's entries without gaps. It refers to no row of the merchant, which may be erased.
    """

    __tablename__ = "audit_entry"

    merchant: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    action: str
    content: str | None = encrypted_field()
