"""Owners: products and resources with their settings."""

from sqlalchemy import and_, not_, update
from sqlmodel import select

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerKind, OwnerSettings, Switch
from slotsync.store.availability.blocking_calendars import has_blocking_calendars
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.calendars import OwnerRow

_TABLE = table_of(OwnerRow)


def _replace_settings(insert: Insert) -> Insert:
    settings = {name: insert.excluded[name] for name in OwnerSettings.model_fields}
    # Switching on ends the choice to remove events, which is for the time while it is off; other settings keep it.
    removal = {"remove_events": and_(not_(insert.excluded.sync), _TABLE.c.remove_events)}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=settings | removal)


_PUT = Upsert(_TABLE, _replace_settings)


class Owners:
    """Stores the settings of merchants' products and resources."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, merchant: str, owner: Owner, settings: OwnerSettings) -> None:
        """Record the owner, or replace its settings."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            row = {"merchant": merchant, "kind": owner.kind.value, "id": owner.id, "remove_events": False}
            _PUT.run(connection, **row, **settings.model_dump(mode="json"))
            mark_merchant_changed(connection, merchant, utc_now())

    def switch(self, merchant: str, owner: Owner, switch: Switch) -> bool:
        """Switch synchronization of one owner; return false if the owner is unknown."""
        own = update(_TABLE).filter_by(merchant=merchant, kind=owner.kind.value, id=owner.id)
        with self._store.write() as connection:
            return bool(connection.execute(own.values(**switch.model_dump())).rowcount)

    def get(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """Return the settings of an owner, or None if it is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
            return settings_of(row) if row else None

    def has_blocking_calendars(self, merchant: str, owner: Owner) -> bool:
        """Return whether any calendar blocks the owner."""
        with self._store.read() as session:
            return has_blocking_calendars(session, merchant, owner)

    def get_all(self, merchant: str) -> dict[Owner, OwnerSettings]:
        """Return the settings of all owners of the merchant, products first, each kind in the order of ids."""
        query = select(OwnerRow).where(OwnerRow.merchant == merchant).order_by(_TABLE.c.kind, _TABLE.c.id)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in session.exec(query)}


def settings_of(row: OwnerRow) -> OwnerSettings:
    """Return the settings in a row."""
    return OwnerSettings(
        name=row.name,
        time_zone=row.time_zone,
        sync=row.sync,
        guest_data=GuestData(row.guest_data),
        on_unknown=row.on_unknown,
        pad_before_minutes=row.pad_before_minutes,
        pad_after_minutes=row.pad_after_minutes,
        free_calendars_needed=row.free_calendars_needed,
    )
