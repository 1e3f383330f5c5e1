"""Visits of merchants' settings pages: which of them are over, and with them the links that were made before."""

from datetime import datetime, timedelta

from slotsync.store.connections.pending_consents import UsedLinks
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.erasures import ErasureRow


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
            row, erasure = session.get(MerchantRow, merchant), session.get(ErasureRow, (merchant, ""))
        ended_at = row.visits_ended_at if row else None
        return erasure is not None or (ended_at is not None and made_at <= ended_at)

    def sign_out(self, browser: str, lifetime: timedelta) -> None:
        """End the visit of this browser's secret; it would have ended by itself within this lifetime."""
        self._signed_out.use(_name(browser), self._store.now() + lifetime)

    def is_signed_out(self, browser: str) -> bool:
        """Return whether the visit of this browser's secret was ended."""
        return self._signed_out.is_used(_name(browser))


def _name(browser: str) -> str:
    """Return the name of a visit among the used links, which are stored as hashes."""
    return f"visit:{browser}"
