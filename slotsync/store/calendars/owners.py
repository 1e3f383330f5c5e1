"""Products and resources with their settings."""

from sqlalchemy import and_, not_, update
from sqlmodel import select

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerKind, OwnerSettings, Switch
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant
from slotsync.store.tables.calendars import BlockingCalendarRow, MerchantRow, OwnerRow

_TABLE = table_of(OwnerRow)
_MERCHANTS = table_of(MerchantRow)


def _replace_settings(insert: Insert) -> Insert:
    settings = {name: insert.excluded[name] for name in OwnerSettings.model_fields}
    # Who switches on again no longer wishes what was wished of being off; all else leaves that wish alone.
    wished = {"remove_events": and_(not_(insert.excluded.sync), _TABLE.c.remove_events)}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=settings | wished)


_PUT = Upsert(_TABLE, _replace_settings)


class Owners:
    """Keeps what merchants chose for their products and resources."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, merchant: str, owner: Owner, settings: OwnerSettings) -> None:
        """Makes the owner known, or changes its settings."""
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            chosen = settings.model_dump(mode="json")
            row = {"merchant": merchant, "kind": owner.kind.value, "id": owner.id, "remove_events": False}
            _PUT.run(connection, **row, **chosen)
            mark_merchant_changed(connection, merchant, utc_now())

    def switch(self, merchant: str, owner: Owner, switch: Switch) -> bool:
        """Turns synchronization on or off for one owner; false when it is unknown."""
        chosen = update(_TABLE).filter_by(merchant=merchant, kind=owner.kind.value, id=owner.id)
        with self._store.write() as connection:
            return bool(connection.execute(chosen.values(**switch.model_dump())).rowcount)

    def switch_all(self, merchant: str, switch: Switch) -> None:
        """Turns synchronization on or off for the whole merchant; the owners' own switches stay as they are."""
        chosen = update(_MERCHANTS).filter_by(id=merchant)
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            connection.execute(chosen.values(**switch.model_dump()))

    def switch_of_all(self, merchant: str) -> bool:
        """Whether the merchant as a whole is synchronized; one that is unknown would be."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return row is None or row.sync

    def get(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """The settings of an owner; nothing when it is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
            return settings_of(row) if row else None

    def merchants(self) -> list[str]:
        """All merchants, by id."""
        with self._store.read() as session:
            return list(session.exec(select(MerchantRow.id).order_by(MerchantRow.id)))

    def is_blocked(self, merchant: str, owner: Owner) -> bool:
        """Whether any calendar blocks the owner."""
        picked = select(BlockingCalendarRow.place).filter_by(
            merchant=merchant, kind=owner.kind.value, owner_id=owner.id
        )
        with self._store.read() as session:
            return session.exec(picked).first() is not None

    def all(self, merchant: str) -> dict[Owner, OwnerSettings]:
        """Every owner of the merchant, products first, each kind by id."""
        query = select(OwnerRow).where(OwnerRow.merchant == merchant).order_by(_TABLE.c.kind, _TABLE.c.id)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in session.exec(query)}


def settings_of(row: OwnerRow) -> OwnerSettings:
    """The settings in a row."""
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
