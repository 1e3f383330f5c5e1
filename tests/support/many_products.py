"""A merchant with very many products."""

from sqlalchemy import insert

from slotsync.domain.calendars.owner import Owner
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import OwnerRow
from tests.support.samples import settings_of


def add_products(store: Store, merchant: str, count: int) -> None:
    """Store products named ``Tour 00000`` and so on at once, as if their calendars had been looked at."""
    owner, table = Owner.product("tour-00000"), table_of(OwnerRow)
    Owners(store).put(merchant, owner, settings_of(owner, name="Tour 00000"))
    Owners(store).record_applied(merchant, owner, 1, 0)
    Owners(store).record_due(merchant, owner, 1, None)
    with store.write() as connection:
        own = table.select().filter_by(merchant=merchant, id=owner.id)
        first = connection.execute(own).mappings().one()
        names = (f"{number:05}" for number in range(1, count))
        connection.execute(insert(table), [{**first, "id": f"tour-{name}", "name": f"Tour {name}"} for name in names])
