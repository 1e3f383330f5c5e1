"""Owners: products and resources with their settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Executable, and_, literal, not_, null, or_, tuple_, update
from sqlmodel import select

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerKind, OwnerSettings, Switch
from slotsync.store.availability.blocking_calendars import has_blocking_calendars
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.due_rows import DueRows
from slotsync.store.database.engine import Store
from slotsync.store.merchants import ensure_merchant, is_merchant_synced, switch_merchant
from slotsync.store.tables.calendars import OwnerRow

_TABLE = table_of(OwnerRow)


def _replace_settings(insert: Insert) -> Executable:
    settings = {name: insert.excluded[name] for name in OwnerSettings.model_fields}
    changed = or_(*(_TABLE.c[name].is_distinct_from(insert.excluded[name]) for name in settings))
    # Switching on ends the choice to remove events, which is for the time while it is off; other settings keep it.
    removal = {"remove_events": and_(not_(insert.excluded.sync), _TABLE.c.remove_events)}
    intent = {"revision": _TABLE.c.revision + 1, "due_at": insert.excluded.due_at, "stopped_at": null()}
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key, set_=settings | removal | intent, where=changed
    ).returning(_TABLE.c.revision)


_PUT = Upsert(_TABLE, _replace_settings)


@dataclass(frozen=True)
class OwnerIntent:
    """The progress of carrying out an owner's settings.

    Its open reservations were signalled up to ``applied_revision`` of ``revision``; in the last signalling
    ``signalled`` of ``to_signal``, which is None before the first.
    """

    revision: int
    applied_revision: int
    to_signal: int | None
    signalled: int
    due_at: datetime | None
    stopped_at: datetime | None


class Owners:
    """Stores the settings of merchants' products and resources."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.due_rows = DueRows(store, _TABLE, "merchant", "kind", "id")

    def put(self, merchant: str, owner: Owner, settings: OwnerSettings) -> bool:
        """Record the owner, or replace its settings; return whether its calendar's workflow has something to do.

        Settings that are recorded already change nothing. They are due as long as the workflow has not taken them up.
        """
        now = utc_now()
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            row = {"merchant": merchant, "kind": owner.kind.value, "id": owner.id, "remove_events": False}
            intent = {"revision": 1, "applied_revision": 0, "due_at": now}
            changed = _PUT.run(connection, **row, **intent, **settings.model_dump(mode="json")) is not None
            if changed:
                mark_merchant_changed(connection, merchant, now)
        return changed or self._is_due(merchant, owner)

    def switch(self, merchant: str, owner: Owner, switch: Switch) -> bool:
        """Switch synchronization of one owner; return false if the owner is unknown."""
        own = update(_TABLE).where(*_is(merchant, owner))
        with self._store.write() as connection:
            return bool(connection.execute(own.values(**switch.model_dump(), **_changed_intent())).rowcount)

    def switch_merchant(self, merchant: str, switch: Switch) -> None:
        """Switch synchronization of the whole merchant; the owners' own switches stay as they are."""
        with self._store.write() as connection:
            switch_merchant(connection, merchant, switch)
            connection.execute(update(_TABLE).where(_TABLE.c.merchant == merchant).values(**_changed_intent()))

    def record_reason(self, merchant: str, owner: Owner, reason: str) -> None:
        """Record why the owner's calendar is not as it should be, while that is tried again."""
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*_is(merchant, owner)).values(reason=reason))

    def get_reasons(self, merchant: str, owners: Sequence[Owner]) -> dict[Owner, str]:
        """Return why the calendars of these owners are not as they should be; nothing of those that are."""
        keys = [(owner.kind.value, owner.id) for owner in owners]
        own = (OwnerRow.merchant == merchant, tuple_(_TABLE.c.kind, _TABLE.c.id).in_(keys))
        query = select(OwnerRow.kind, OwnerRow.id, OwnerRow.reason).where(*own, _TABLE.c.reason.is_not(None))
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(kind), id=id_): reason for kind, id_, reason in session.exec(query) if reason}

    def get_intent(self, merchant: str, owner: Owner) -> OwnerIntent | None:
        """Return how far the owner's settings are carried out, or None if the owner is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
        if row is None:
            return None
        return OwnerIntent(row.revision, row.applied_revision, row.to_signal, row.signalled, row.due_at, row.stopped_at)

    def record_due(
        self, merchant: str, owner: Owner, revision: int, due_at: datetime | None, *, reason: str | None = None
    ) -> bool:
        """Record when the calendar is due again, and why; return false, and change nothing, at another revision."""
        own = update(_TABLE).where(*_is(merchant, owner), _TABLE.c.revision == revision)
        with self._store.write() as connection:
            return bool(
                connection.execute(own.values(due_at=due_at, reason=reason, overdue_since=None, problem=None)).rowcount
            )

    def record_signalled(self, merchant: str, owner: Owner, signalled: int, to_signal: int) -> None:
        """Record how many of the owner's open reservations were signalled."""
        own = update(_TABLE).where(*_is(merchant, owner))
        with self._store.write() as connection:
            connection.execute(own.values(signalled=signalled, to_signal=to_signal))

    def record_applied(self, merchant: str, owner: Owner, revision: int, signalled: int) -> None:
        """Record that all open reservations of the owner, so many, were signalled at this revision."""
        own = update(_TABLE).where(*_is(merchant, owner), _TABLE.c.applied_revision < revision)
        with self._store.write() as connection:
            connection.execute(own.values(applied_revision=revision, signalled=signalled, to_signal=signalled))

    def stop(self, merchant: str, owner: Owner, now: datetime, *, revision: int | None = None) -> None:
        """Record that an operator has stopped the calendar's workflow: nothing is due until it is resumed.

        Settings that were changed since are not stopped; None stops any revision.
        """
        any_revision = revision is None
        self.due_rows.stop(now, *_is(merchant, owner), or_(literal(any_revision), _TABLE.c.revision == revision))

    def resume(self, merchant: str, now: datetime) -> list[Owner]:
        """Make the stopped calendars of the merchant due again, and return their owners."""
        resumed = self.due_rows.resume(now, _TABLE.c.merchant == merchant)
        return [Owner(kind=OwnerKind(kind), id=owner_id) for _, kind, owner_id in resumed]

    def find_waiting(self, merchant: str, *, all_open: bool) -> list[Owner]:
        """Return the merchant's owners with a calendar that is due, or with ``all_open`` all that are not stopped."""
        due = _TABLE.c.stopped_at.is_(None) if all_open else _TABLE.c.due_at.is_not(None)
        query = select(OwnerRow.kind, OwnerRow.id).where(OwnerRow.merchant == merchant, due)
        with self._store.read() as session:
            return [Owner(kind=OwnerKind(kind), id=owner_id) for kind, owner_id in session.exec(query)]

    def find_due(self, now: datetime) -> list[tuple[str, Owner]]:
        """Return the owners of all merchants with a calendar that is due, each with its merchant."""
        return [(merchant, Owner(kind=OwnerKind(kind), id=id_)) for merchant, kind, id_ in self.due_rows.find(now)]

    def find_synced(self) -> list[tuple[str, Owner]]:
        """Return the owners of all merchants that are synchronized and not stopped, each with its merchant."""
        return self._find(and_(_TABLE.c.sync, _TABLE.c.stopped_at.is_(None), is_merchant_synced(_TABLE.c.merchant)))

    def _find(self, wanted: ColumnElement[bool]) -> list[tuple[str, Owner]]:
        query = select(OwnerRow.merchant, OwnerRow.kind, OwnerRow.id).where(wanted)
        with self._store.read() as session:
            return [
                (merchant, Owner(kind=OwnerKind(kind), id=owner_id)) for merchant, kind, owner_id in session.exec(query)
            ]

    def _is_due(self, merchant: str, owner: Owner) -> bool:
        intent = self.get_intent(merchant, owner)
        return intent is not None and intent.due_at is not None

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


def _is(merchant: str, owner: Owner) -> Sequence[ColumnElement[bool]]:
    return _TABLE.c.merchant == merchant, _TABLE.c.kind == owner.kind.value, _TABLE.c.id == owner.id


def _changed_intent() -> dict[str, object]:
    """Return the values of an owner for which something has changed: it is due, and no longer stopped."""
    return {"revision": _TABLE.c.revision + 1, "due_at": utc_now(), "stopped_at": None}


def settings_of(row: OwnerRow) -> OwnerSettings:
    """Return the settings in a row. What is stored is read as it is: limits of today are not checked anew."""
    return OwnerSettings.model_construct(
        name=row.name,
        time_zone=row.time_zone,
        sync=row.sync,
        guest_data=GuestData(row.guest_data),
        on_unknown=row.on_unknown,
        pad_before_minutes=row.pad_before_minutes,
        pad_after_minutes=row.pad_after_minutes,
        free_calendars_needed=row.free_calendars_needed,
    )
