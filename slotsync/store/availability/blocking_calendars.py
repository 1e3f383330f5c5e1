"""Blocking calendars: the calendars that merchants picked to block products."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Connection, delete, insert, update
from sqlmodel import Session, select

from slotsync.domain.audit import AuditAction, AuditChange
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.connections.connection import ConnectionState
from slotsync.errors import GrantLost, Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, record_resumptions
from slotsync.store.availability.blocked_products import owner_key
from slotsync.store.availability.forgetting import forget_products_times
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.availability.watched_products import WATCHING, lock_stopped_product, mark_product_due
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import Cell, cell_of
from slotsync.store.database.due_rows import Key
from slotsync.store.database.engine import Store
from slotsync.store.erasures import require_not_erased
from slotsync.store.tables.calendars import BlockingCalendarRow, OwnerRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(BlockingCalendarRow)


class BlockingCalendars:
    """Stores ids and names of picked calendars, encrypted, and nothing of any other calendar."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = AuditLog(store, vault)

    def replace(
        self, merchant: str, owner: Owner, calendars: Sequence[PickableCalendar], grant_number: int | None = None
    ) -> None:
        """Replace the calendars that block the owner by those that the grant with this number lists, or any grant.

        Once one is taken off, the evidence of the product is forgotten, which names them all, and their busy times
        wherever they show.

        Raises:
            GrantLost: the merchant has disconnected meanwhile, or connected again, perhaps another account.
        """
        key, now = owner_key(merchant, owner), self._store.now()
        with self._store.write() as connection:
            require_not_erased(connection, merchant)
            own = self._keys.for_writing(connection, merchant)
            if grant_number is not None:
                _require_grant(connection, merchant, grant_number)
            # Lock the owner: two requests that pick one calendar at the same time would both insert it.
            locked = select(OwnerRow.id).filter_by(merchant=merchant, kind=owner.kind.value, id=owner.id)
            connection.execute(locked.with_for_update(key_share=True))
            former = delete(_TABLE).filter_by(**key).returning(_TABLE.c.place, _TABLE.c.calendar_id)
            before = [
                self._read_id(connection, cell_of(_TABLE.c.calendar_id, merchant, {**key, "place": place}), calendar_id)
                for place, calendar_id in connection.execute(former).all()
            ]
            after = [each.id for each in calendars]
            for place, each in enumerate(calendars):
                row = {**key, "place": place}
                calendar_id = own.encrypt(_TABLE.c.calendar_id, each.id, **row)
                name = own.encrypt(_TABLE.c.name, each.name, **row)
                connection.execute(insert(_TABLE).values(**row, calendar_id=calendar_id, name=name))
            stopped = list[Key]()
            if owner.kind is OwnerKind.PRODUCT:
                product = ProductKey(merchant=merchant, product=owner.id)
                stopped = lock_stopped_product(connection, product)
                mark_product_due(connection, product, now)
                if {*before} - {*after}:
                    forget_products_times(connection, merchant, owner.id, self._keys)
            mark_merchant_changed(connection, merchant, now)
            if change := _describe_picks(owner, before, after):
                self._audit.record(connection, merchant, change, now)
            record_resumptions(connection, self._audit, WATCHING, stopped, now)

    def get_calendars(self, merchant: str, owner: Owner) -> list[PickableCalendar]:
        """Return the calendars that block the owner, in the order of names."""
        query = select(BlockingCalendarRow).filter_by(**owner_key(merchant, owner))
        with self._store.read() as session:
            found = [self._decrypted(session, row) for row in session.exec(query).all()]
        return sorted(found, key=lambda each: (each.name.casefold(), each.id))

    def rename(self, merchant: str, names: Mapping[str, str]) -> None:
        """Change the names of the merchant's picked calendars to these, by calendar id."""
        query = select(BlockingCalendarRow).filter_by(merchant=merchant)
        with self._store.read() as session:
            renamed = [
                (row, names[each.id])
                for row in session.exec(query).all()
                if (each := self._decrypted(session, row)).name != names.get(each.id, each.name)
            ]
        if renamed:
            with self._store.write() as connection:
                own = self._keys.for_writing(connection, merchant)
                for row, name in renamed:
                    # What is picked anew meanwhile is encrypted anew, and has its new name already.
                    same = update(_TABLE).filter_by(merchant=merchant, calendar_id=row.calendar_id)
                    connection.execute(same.values(name=own.encrypt(_TABLE.c.name, name, **row.model_dump())))

    def find_products(self, merchant: str | None = None) -> list[ProductKey]:
        """Return the products that calendars block: all, or those of one merchant."""
        query = select(BlockingCalendarRow.merchant, BlockingCalendarRow.owner_id).distinct()
        products = query.where(_TABLE.c.kind == OwnerKind.PRODUCT.value)
        with self._store.read() as session:
            rows = session.exec(products if merchant is None else products.where(_TABLE.c.merchant == merchant))
            return [ProductKey(merchant=owner, product=product) for owner, product in rows]

    def _read_id(self, connection: Connection, place: Cell, encrypted: str) -> str | None:
        """Return the id of a picked calendar, or None if no key opens it: it can be replaced all the same."""
        with suppress(Undecryptable):
            return self._keys.decrypt(connection, place, encrypted)
        return None

    def _decrypted(self, session: Session, row: BlockingCalendarRow) -> PickableCalendar:
        assert row.calendar_id
        assert row.name
        place = row.model_dump()
        calendar_id = self._keys.decrypt(session, cell_of(_TABLE.c.calendar_id, row.merchant, place), row.calendar_id)
        name = self._keys.decrypt(session, cell_of(_TABLE.c.name, row.merchant, place), row.name)
        return PickableCalendar(id=calendar_id, name=name)


def _describe_picks(owner: Owner, before: Sequence[str | None], after: Sequence[str]) -> AuditChange | None:
    """Return how many calendars were picked. Which ones is for the merchant to see, and forgotten when unpicked."""
    added, removed = len({*after} - {*before}), len({*before} - {*after})
    if not added and not removed:
        return None
    return AuditChange(
        action=AuditAction.CALENDARS_PICKED,
        subject=str(owner),
        before={"calendars": len(before)},
        after={"calendars": len(after), "added": added, "removed": removed},
    )


def _require_grant(connection: Connection, merchant: str, grant_number: int) -> None:
    """Check that the grant is the merchant's; another one waits until the transaction has ended."""
    active = {"merchant": merchant, "state": ConnectionState.ACTIVE.value, "grant_number": grant_number}
    same = select(ConnectionRow.id).filter_by(**active).with_for_update(read=True)
    if connection.execute(same).first() is None:
        raise GrantLost("the connection to Google has changed meanwhile; pick again", reason="another_grant")
