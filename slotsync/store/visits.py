"""Visits of merchants' settings pages: which of them are over, and with them the links that were made before."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from slotsync.store.connections.pending_consents import UsedLinks
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store, read_clock
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.erasures import ErasureRow

_MERCHANTS = table_of(MerchantRow)
_ERASURES = table_of(ErasureRow)


class Visits:
    """Stores the ends of visits. All times are those of the store's clock, which is one for all machines."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signed_out = UsedLinks(store)

    def now(self) -> datetime:
        """Return the time by the store's clock."""
        return self._store.now()

    def are_ended(self, merchant: str, made_at: datetime) -> bool:
        """Return whether the merchant's visits were ended after this time, at which one was begun or a link made.

        An erasure ends all, and lets none begin. Its record is kept for longer than a visit lasts; a merchant that is
        recorded again counts none from before.
        """
        with self._store.read() as session:
            return _are_ended(session.connection(), merchant, made_at)

    def begin(self, merchant: str, allowed_at: datetime) -> datetime | None:
        """Return the time at which a visit begins that was allowed at this time, None if visits were ended since then.

        An end that is being recorded is waited for; one that comes later has a later time than the visit.
        """
        with self._store.write() as connection:
            own = select(_MERCHANTS.c.id).filter_by(id=merchant).with_for_update(read=True)
            connection.execute(own)
            return None if _are_ended(connection, merchant, allowed_at) else read_clock(connection)

    def sign_out(self, browser: str, lifetime: timedelta) -> None:
        """End the visit of this browser's secret; it would have ended by itself within this lifetime."""
        self._signed_out.use(_name(browser), self._store.now() + lifetime)

    def is_signed_out(self, browser: str) -> bool:
        """Return whether the visit of this browser's secret was ended."""
        return self._signed_out.is_used(_name(browser))


def _are_ended(connection: Connection, merchant: str, made_at: datetime) -> bool:
    erased = select(_ERASURES.c.merchant).filter_by(merchant=merchant, reservation="")
    if connection.execute(erased).first():
        return True
    ended_at = connection.execute(select(_MERCHANTS.c.visits_ended_at).filter_by(id=merchant)).scalar_one_or_none()
    return ended_at is not None and made_at <= ended_at


def _name(browser: str) -> str:
    """Return the name of a visit among the used links, which are stored as hashes."""
    return f"visit:{browser}"
