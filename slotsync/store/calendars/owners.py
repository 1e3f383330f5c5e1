"""Owners: products and resources with their settings."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, tuple_, update
from sqlmodel import select

from slotsync.domain.audit import AuditAction, AuditChange, AuditValues, describe_settings
from slotsync.domain.calendars.choices import (
    Choices,
    Chooser,
    merchants_part,
    switch_choices,
)
from slotsync.domain.calendars.owner import Owner, OwnerChanges, OwnerKind, OwnerSettings, Switch
from slotsync.domain.health import STOPPED
from slotsync.errors import MerchantsChoice
from slotsync.store.audit_log import AuditLog, record_resumption, record_resumptions, record_stop
from slotsync.store.availability.blocked_products import has_blocking_calendars
from slotsync.store.availability.forgetting import forget_owners_blocking_calendars
from slotsync.store.availability.watched_accounts import mark_merchant_changed
from slotsync.store.calendars.managed_calendars import have_all_audited
from slotsync.store.calendars.merchant_switches import want_switch
from slotsync.store.calendars.owner_changes import changed_intent, is_owner, lock_owner, make_owner_due, put_choices
from slotsync.store.calendars.owner_rows import (
    OwnerIntent,
    choices_of,
    columns_of,
    describe_switch,
    keep_chosen_on,
    settings_of,
)
from slotsync.store.database.base import table_of
from slotsync.store.database.due_rows import DueRows, Key
from slotsync.store.database.engine import Store
from slotsync.store.erasures import require_not_erased
from slotsync.store.merchants import ensure_merchant, is_merchant_synced, switch_merchant
from slotsync.store.reservations.drift_rows import close_owners
from slotsync.store.tables.calendars import OwnerRow

_TABLE = table_of(OwnerRow)
_KIND = "calendar"


class Owners:
    """Stores the settings of merchants' products and resources. With ``audit`` it stands there who changes them."""

    def __init__(self, store: Store, audit: AuditLog | None = None) -> None:
        self._store = store
        self._audit = audit
        self.due_rows = DueRows(store, _TABLE, "merchant", "kind", "id")

    def put(
        self,
        merchant: str,
        owner: Owner,
        changes: OwnerChanges,
        chooser: Chooser = Chooser.PLATFORM,
        *,
        override: bool = False,
    ) -> bool:
        """Record the owner, or change its settings; return whether its calendar's workflow has something to do.

        A new one has the platform's defaults for what is left out. Settings that are recorded already change nothing.
        They are due as long as the workflow has not taken them up.
        The merchant's own choices stay when the platform sets them, unless with ``override``.

        Raises:
            InputError: the owner is new, and has no name.
        """
        now = self._store.now()
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            stopped = self.due_rows.lock_stopped(connection, *is_owner(merchant, owner))
            put = put_choices(connection, merchant, owner, changes, chooser, now, override=override)
            change = describe_settings(owner, put.before, put.after, put.overridden)
            if change:
                mark_merchant_changed(connection, merchant, now)
            self._record(connection, merchant, change, now, stopped if change else ())
        return change is not None or self._is_due(merchant, owner)

    def switch(
        self,
        merchant: str,
        owner: Owner,
        switch: Switch,
        chooser: Chooser = Chooser.PLATFORM,
        *,
        override: bool = False,
    ) -> bool:
        """Switch synchronization of one owner; return false if the owner is unknown.

        Raises:
            MerchantsChoice: the merchant has switched it the other way, and there is no ``override``.
        """
        now = self._store.now()
        with self._store.write() as connection:
            require_not_erased(connection, merchant)
            stopped = self.due_rows.lock_stopped(connection, *is_owner(merchant, owner))
            row = lock_owner(connection, merchant, owner)
            before = choices_of(row) if row else None
            if row is None or before is None:
                return False
            choices = switch_choices(before, switch, chooser, removing=row.remove_events, override=override)
            if choices is None:
                raise MerchantsChoice(f"{owner}")
            switched = switch.model_dump(exclude=merchants_part(choices.chosen, chooser))
            names = {name: value for name, value in columns_of(choices).items() if name in {"chosen", "overridden"}}
            own = update(_TABLE).where(*is_owner(merchant, owner))
            connection.execute(own.values(**switched, **names, **changed_intent(now)))
            self._record(connection, merchant, describe_switch(row, switched, choices), now, stopped)
            return True

    def delete(self, merchant: str, owner: Owner, *, remove_events: bool) -> bool:
        """Delete the owner, and what blocks it; return false if it is unknown.

        What the merchant has chosen is kept for the case that the platform puts it again. Its calendar and our events
        in it are removed from Google, or stay as they are.
        """
        now = self._store.now()
        with self._store.write() as connection:
            require_not_erased(connection, merchant)
            stopped = self.due_rows.lock_stopped(connection, *is_owner(merchant, owner))
            row = lock_owner(connection, merchant, owner)
            if row is None or row.deleted_at:
                return False
            off = {"sync": False, "remove_events": remove_events, "chosen": keep_chosen_on(row), "deleted_at": now}
            connection.execute(update(_TABLE).where(*is_owner(merchant, owner)).values(off | changed_intent(now)))
            close_owners(connection, merchant, owner, now)
            have_all_audited(connection, merchant, owner)
            forget_owners_blocking_calendars(connection, merchant, owner, now)
            mark_merchant_changed(connection, merchant, now)
            removal: AuditValues = {"remove_events": remove_events}
            deletion = AuditChange(action=AuditAction.SETTINGS_DELETED, subject=str(owner), after=removal)
            self._record(connection, merchant, deletion, now, stopped)
            return True

    def switch_merchant(
        self, merchant: str, switch: Switch, chooser: Chooser = Chooser.PLATFORM, *, override: bool = False
    ) -> None:
        """Switch synchronization of the whole merchant; the owners' own switches stay as they are.

        The owners become due one page after the other (``MerchantSwitches``).

        Raises:
            MerchantsChoice: the merchant has switched it the other way, and there is no ``override``.
        """
        now = self._store.now()
        with self._store.write() as connection:
            change = switch_merchant(connection, merchant, switch, chooser, override=override)
            want_switch(connection, merchant, now, changed=change is not None)
            self._record(connection, merchant, change, now)

    def record_reason(self, merchant: str, owner: Owner, reason: str) -> None:
        """Record why the owner's calendar is not as it should be, while that is tried again."""
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(*is_owner(merchant, owner)).values(reason=reason))

    def get_reasons(self, merchant: str, owners: Sequence[Owner]) -> dict[Owner, str]:
        """Return why the calendars of these owners are not as they should be; nothing of those that are.

        The reason of one that an operator has stopped is that of ``STOPPED``.
        """
        keys = [(owner.kind.value, owner.id) for owner in owners]
        own = (OwnerRow.merchant == merchant, tuple_(_TABLE.c.kind, _TABLE.c.id).in_(keys))
        wrong = or_(_TABLE.c.reason.is_not(None), _TABLE.c.stopped_at.is_not(None))
        reason = case((_TABLE.c.stopped_at.is_not(None), STOPPED.reason), else_=_TABLE.c.reason)
        query = select(OwnerRow.kind, OwnerRow.id, reason).where(*own, wrong)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(kind), id=id_): reason for kind, id_, reason in session.exec(query)}

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
        own = update(_TABLE).where(*is_owner(merchant, owner), _TABLE.c.revision == revision)
        with self._store.write() as connection:
            return bool(
                connection.execute(own.values(due_at=due_at, reason=reason, overdue_since=None, problem=None)).rowcount
            )

    def make_due(self, merchant: str, owner: Owner, now: datetime) -> None:
        """Record that the owner's calendar is to be looked at now, unless an operator has stopped that."""
        with self._store.write() as connection:
            make_owner_due(connection, merchant, owner, now)

    def record_signalled(self, merchant: str, owner: Owner, signalled: int, to_signal: int) -> None:
        """Record how many of the owner's open reservations were signalled."""
        own = update(_TABLE).where(*is_owner(merchant, owner))
        with self._store.write() as connection:
            connection.execute(own.values(signalled=signalled, to_signal=to_signal))

    def record_applied(self, merchant: str, owner: Owner, revision: int, signalled: int) -> None:
        """Record that all open reservations of the owner, so many, were signalled at this revision."""
        own = update(_TABLE).where(*is_owner(merchant, owner), _TABLE.c.applied_revision < revision)
        with self._store.write() as connection:
            connection.execute(own.values(applied_revision=revision, signalled=signalled, to_signal=signalled))

    def stop(self, merchant: str, owner: Owner, now: datetime, *, revision: int | None = None) -> None:
        """Record that an operator has stopped the calendar's workflow: nothing is due until it is resumed.

        Settings that were changed since are not stopped; None stops any revision.
        """
        any_revision = revision is None
        same_revision = or_(literal(any_revision), _TABLE.c.revision == revision)
        record = record_stop(self._audit, _KIND, now)
        self.due_rows.stop(now, *is_owner(merchant, owner), same_revision, record=record)

    def resume(self, merchant: str, now: datetime) -> list[Owner]:
        """Make the stopped calendars of the merchant due again, and return their owners."""
        record = record_resumption(self._audit, _KIND, now)
        resumed = self.due_rows.resume(now, _TABLE.c.merchant == merchant, record=record)
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

    def find_unfinished(self) -> list[tuple[str, Owner]]:
        """Return the owners of all merchants that are synchronized, or due now or later, each with its merchant.

        Those that an operator has stopped are left out.
        """
        unfinished = or_(and_(_TABLE.c.sync, is_merchant_synced(_TABLE.c.merchant)), _TABLE.c.due_at.is_not(None))
        return self._find(and_(_TABLE.c.stopped_at.is_(None), unfinished))

    def _find(self, wanted: ColumnElement[bool]) -> list[tuple[str, Owner]]:
        query = select(OwnerRow.merchant, OwnerRow.kind, OwnerRow.id).where(wanted)
        with self._store.read() as session:
            return [
                (merchant, Owner(kind=OwnerKind(kind), id=owner_id)) for merchant, kind, owner_id in session.exec(query)
            ]

    def _record(
        self,
        connection: Connection,
        merchant: str,
        change: AuditChange | None,
        now: datetime,
        resumed: Iterable[Key] = (),
    ) -> None:
        if self._audit and change:
            self._audit.record(connection, merchant, change, now)
        record_resumptions(connection, self._audit, _KIND, resumed, now)

    def _is_due(self, merchant: str, owner: Owner) -> bool:
        intent = self.get_intent(merchant, owner)
        return intent is not None and intent.due_at is not None

    def get(self, merchant: str, owner: Owner) -> OwnerSettings | None:
        """Return the settings of an owner, or None if it is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
            return settings_of(row) if row and not row.deleted_at else None

    def has_blocking_calendars(self, merchant: str, owner: Owner) -> bool:
        """Return whether any calendar blocks the owner."""
        with self._store.read() as session:
            return has_blocking_calendars(session, merchant, owner)

    def get_choices(self, merchant: str, owner: Owner) -> Choices | None:
        """Return the settings of an owner, and which of them the merchant chose, or None if it is unknown."""
        with self._store.read() as session:
            row = session.get(OwnerRow, (merchant, owner.kind.value, owner.id))
            return choices_of(row) if row else None

    def get_all(self, merchant: str) -> dict[Owner, OwnerSettings]:
        """Return the settings of all owners of the merchant, products first, each kind in the order of ids."""
        query = select(OwnerRow).where(*_known(merchant)).order_by(_TABLE.c.kind, _TABLE.c.id)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in session.exec(query)}

    def find(self, merchant: str, search: str = "", *, limit: int, skip: int = 0) -> dict[Owner, OwnerSettings]:
        """Return some of the merchant's owners, products first, each kind in the order of names.

        With a ``search`` only those with this text in their name or id, in upper or lower case.
        """
        order = (_TABLE.c.kind, func.lower(_TABLE.c.name), _TABLE.c.id)
        query = select(OwnerRow).where(*_known(merchant, search)).order_by(*order).limit(limit).offset(skip)
        with self._store.read() as session:
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in session.exec(query)}

    def list_kind(self, merchant: str, kind: OwnerKind, limit: int, after: str) -> list[tuple[Owner, OwnerSettings]]:
        """Return the merchant's next products or resources after this id, in the order of ids."""
        own = (*_known(merchant), _TABLE.c.kind == kind.value, _TABLE.c.id > after)
        with self._store.read() as session:
            rows = session.exec(select(OwnerRow).where(*own).order_by(_TABLE.c.id).limit(limit))
            return [(Owner(kind=kind, id=row.id), settings_of(row)) for row in rows]

    def find_overridden(self, merchant: str, *, limit: int) -> dict[Owner, OwnerSettings]:
        """Return some of the owners of which the platform has changed what the merchant had chosen, as it stands."""
        query = (
            select(OwnerRow).where(*_known(merchant), _TABLE.c.overridden != "").order_by(_TABLE.c.kind, _TABLE.c.id)
        )
        with self._store.read() as session:
            rows = session.exec(query.limit(limit))
            return {Owner(kind=OwnerKind(row.kind), id=row.id): settings_of(row) for row in rows}

    def count(self, merchant: str, search: str = "") -> int:
        """Return how many owners ``find`` finds."""
        with self._store.read() as session:
            return session.exec(select(func.count()).select_from(_TABLE).where(*_known(merchant, search))).one()


def _known(merchant: str, search: str = "") -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the merchant's owners that were not deleted, and that this text is found in."""
    texts = (_TABLE.c.name, _TABLE.c.id)
    found = [or_(*(text.icontains(search, autoescape=True) for text in texts))] if search else []
    return _TABLE.c.merchant == merchant, _TABLE.c.deleted_at.is_(None), *found
