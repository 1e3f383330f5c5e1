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
    owner = Owner.product("tour-00000")
    Owners(store).put(merchant, owner, settings_of(owner, name="Tour 00000"))
    with store.write() as connection:
        table = table_of(OwnerRow)
        connection.execute(table.update().where(table.c.merchant == merchant).values(due_at=None, applied_revision=1))
        first = connection.execute(table.select().where(table.c.merchant == merchant)).mappings().one()
        names = (f"{number:05}" for number in range(1, count))
        rows = [dict(first) | {"id": f"tour-{name}", "name": f"Tour {name}"} for name in names]
        connection.execute(insert(table), rows)
