"""The products and resources of merchants, with their settings."""

from sqlmodel import select

from slotsync.rules.owner import GuestData, Owner, OwnerKind, OwnerSettings
from slotsync.store.merchants import ensure_merchant
from slotsync.store.store import Store
from slotsync.store.tables import MerchantRow, OwnerRow
from slotsync.store.upsert import Insert, Upsert, table_of

_TABLE = table_of(OwnerRow)


def _replace_settings(insert: Insert) -> Insert:
    settings = {name: insert.excluded[name] for name in OwnerSettings.model_fields}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=settings)


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
            _PUT.run(connection, merchant=merchant, kind=owner.kind.value, id=owner.id, **chosen)

    def get(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """The settings of an owner; nothing when it is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
            return settings_of(row) if row else None

    def merchants(self) -> list[str]:
        """All merchants, by id."""
        with self._store.read() as session:
            return list(session.exec(select(MerchantRow.id).order_by(MerchantRow.id)))

    def all(self, merchant: str) -> dict[Owner, OwnerSettings]:
        """Every owner of the merchant, products first, each kind by id."""
        query = select(OwnerRow).where(OwnerRow.merchant == merchant).order_by(_TABLE.c.kind, _TABLE.c.id)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in session.exec(query)}


def settings_of(row: OwnerRow) -> OwnerSettings:
    """The settings in a row."""
    return OwnerSettings(name=row.name, time_zone=row.time_zone, sync=row.sync, guest_data=GuestData(row.guest_data))
