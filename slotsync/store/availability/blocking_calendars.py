"""The calendars that merchants picked to block products."""

from collections.abc import Iterable

from sqlalchemy import delete, insert
from sqlmodel import col, select

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import BlockingCalendarRow, OwnerRow

_TABLE = table_of(BlockingCalendarRow)


class BlockingCalendars:
    """Remembers ids and names of picked calendars, sealed, and nothing of any other."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def pick(self, merchant: str, owner: Owner, calendars: Iterable[PickableCalendar]) -> None:
        """Makes these the ones that block the owner; what was picked before is forgotten."""
        key = _key(merchant, owner)
        with self._store.write() as connection:
            # One after the other: two that pick the same calendar at once would both insert it.
            chosen = select(OwnerRow.id).filter_by(merchant=merchant, kind=owner.kind.value, id=owner.id)
            connection.execute(chosen.with_for_update(key_share=True))
            connection.execute(delete(_TABLE).filter_by(**key))
            for place, each in enumerate(calendars):
                sealed = {"calendar_id": self._vault.encrypt(each.id), "name": self._vault.encrypt(each.name)}
                connection.execute(insert(_TABLE).values(**key, place=place, **sealed))
            mark_merchant_changed(connection, merchant, utc_now())

    def of(self, merchant: str, owner: Owner) -> list[PickableCalendar]:
        """Those that block the owner, by name."""
        query = select(BlockingCalendarRow).filter_by(**_key(merchant, owner))
        with self._store.read() as session:
            found = [self._opened(row) for row in session.exec(query)]
        return sorted(found, key=lambda each: (each.name.casefold(), each.id))

    def forget_all(self, merchant: str) -> None:
        """Forgets what the merchant picked, for all products."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(col(BlockingCalendarRow.merchant) == merchant))

    def _opened(self, row: BlockingCalendarRow) -> PickableCalendar:
        assert row.calendar_id
        assert row.name
        return PickableCalendar(id=self._vault.decrypt(row.calendar_id), name=self._vault.decrypt(row.name))


def _key(merchant: str, owner: Owner) -> dict[str, str]:
    return {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id}
