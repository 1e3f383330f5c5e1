"""E-mails that are due about refused grants, and which of them were sent."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.mails import RefusedGrantMail
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_MERCHANTS = table_of(MerchantRow)


class GrantMails:
    """The newest e-mail that is due about each refused grant: an older one that was not sent is left out."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def is_due(self, merchant: str) -> bool:
        """Return whether an e-mail is due, and the platform has said an address for it."""
        with self._store.read() as session:
            return _find(session, merchant) is not None

    def get_due(self, merchant: str) -> RefusedGrantMail | None:
        """Return the e-mail that is due, or None. Once the grant works again, none is."""
        with self._store.read() as session:
            row = _find(session, merchant)
            if row is None:
                return None
            address = self._keys.decrypt(session, cell(_MERCHANTS.c.email, merchant, id=merchant), row.email)
        return RefusedGrantMail(
            id=f"grant-{row.id}-{row.grant_number}-{row.notices}",
            merchant=merchant,
            grant_number=row.grant_number,
            number=row.notices,
            reason=row.last_error or "revoked",
            since=row.since,
            forgotten=row.refresh_token is None,
            address=address,
            name=row.name or merchant,
            language=row.language,
            logo_url=row.logo_url,
        )

    def record_sent(self, mail: RefusedGrantMail) -> None:
        """Record that the mail server has taken this e-mail."""
        own = update(_TABLE).where(_TABLE.c.merchant == mail.merchant, _TABLE.c.grant_number == mail.grant_number)
        with self._store.write() as connection:
            connection.execute(own.where(_TABLE.c.mailed < mail.number).values(mailed=mail.number))


def _find(session: Session, merchant: str) -> Row[Any] | None:
    described = (_MERCHANTS.c.email, _MERCHANTS.c.name, _MERCHANTS.c.language, _MERCHANTS.c.logo_url)
    due = (
        _TABLE.c.merchant == merchant,
        _TABLE.c.state == ConnectionState.REVOKED.value,
        _TABLE.c.mailed < _TABLE.c.notices,
        _MERCHANTS.c.email.is_not(None),
    )
    query = select(_TABLE, *described).join(_MERCHANTS, _MERCHANTS.c.id == _TABLE.c.merchant).where(*due)
    return session.connection().execute(query).one_or_none()
