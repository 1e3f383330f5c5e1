"""Names and time zones of products and resources, as merchants read them."""

from collections.abc import Collection

from sqlalchemy import func, tuple_
from sqlmodel import select

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import OwnerRow

_TABLE = table_of(OwnerRow)


class OwnerNames:
    """Finds the names and time zones of merchants' products and resources."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_names(self, merchant: str, owners: Collection[Owner]) -> dict[Owner, str]:
        """Return the names of these owners, also of those that were deleted. Unknown ones are left out."""
        keys = [(owner.kind.value, owner.id) for owner in owners]
        own = (_TABLE.c.merchant == merchant, tuple_(_TABLE.c.kind, _TABLE.c.id).in_(keys))
        with self._store.read() as session:
            rows = session.exec(select(OwnerRow.kind, OwnerRow.id, OwnerRow.name).where(*own))
            return {Owner(kind=OwnerKind(kind), id=owner_id): name for kind, owner_id, name in rows}

    def find_zone(self, merchant: str) -> str:
        """Return the IANA name of the time zone that most of the merchant's owners have; UTC if there are none."""
        most = (func.count().desc(), _TABLE.c.time_zone)
        query = select(OwnerRow.time_zone).where(_TABLE.c.merchant == merchant).group_by(_TABLE.c.time_zone)
        with self._store.read() as session:
            return session.exec(query.order_by(*most).limit(1)).first() or "UTC"
