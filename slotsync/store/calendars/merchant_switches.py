"""Switches of whole merchants: all their products and resources have to hear of them, which may take a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, and_, func, literal, or_, select, update
from sqlmodel import select as select_row

from slotsync.domain.audit import SWITCH
from slotsync.domain.calendars.messages import SwitchPlan
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.health import STOPPED_REASON
from slotsync.store.audit_log import AuditLog, record_resumption, record_resumptions, record_stop
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.due_rows import DueRows, Key
from slotsync.store.database.engine import Store
from slotsync.store.tables.calendars import MerchantSwitchRow, OwnerRow

_TABLE = table_of(MerchantSwitchRow)
_OWNERS = table_of(OwnerRow)
TIME_PER_PAGE: Final = timedelta(minutes=5)
"""For so long a switch of which a page was taken is left to its workflow: longer than any page takes."""

_CHANGED = {"signalled": 0, "overdue_since": None, "stopped_at": None}

_ENSURE = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())


@dataclass(frozen=True)
class SwitchProgress:
    """The number of the merchant's products and resources that know of its last switch.

    ``stopped``: an operator has stopped that.
    """

    total: int
    done: int
    running: bool
    stopped: bool


class MerchantSwitches:
    """Stores how far the switches of merchants are carried out. With ``audit`` it stands there who stops one."""

    def __init__(self, store: Store, audit: AuditLog | None = None) -> None:
        self._store = store
        self._audit = audit
        self.due_rows = DueRows(store, _TABLE, "merchant")

    def get_progress(self, merchant: str) -> SwitchProgress | None:
        """Return the progress of the merchant's last switch, or None if it was never switched."""
        with self._store.read() as session:
            row = session.get(MerchantSwitchRow, merchant)
        if row is None:
            return None
        running = row.applied_revision < row.revision
        return SwitchProgress(row.to_signal, row.signalled, running, row.stopped_at is not None)

    def plan(self, merchant: str) -> SwitchPlan:
        """Return the revision that is to be carried out, or why there is nothing to do."""
        with self._store.read() as session:
            row = session.get(MerchantSwitchRow, merchant)
        if row is None or row.applied_revision == row.revision:
            return SwitchPlan(closing_reason="all products and resources know of it")
        if row.stopped_at:
            return SwitchPlan(closing_reason=STOPPED_REASON)
        return SwitchPlan(revision=row.revision, to_signal=row.to_signal)

    def take_owners(
        self, merchant: str, revision: int, after: Owner | None, *, signalled: int, limit: int
    ) -> list[Owner]:
        """Make the next owners due, and return them; none if all were, or if the merchant was switched again since.

        Args:
            merchant: The merchant that was switched.
            revision: The revision of the switch.
            after: The last owner that was signalled, in the order of kinds and ids; None at the beginning.
            signalled: How many were signalled so far.
            limit: The most owners to return.
        """
        now = self._store.now()
        own = update(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.revision == revision)
        with self._store.write() as connection:
            under_way = {"signalled": signalled, "due_at": now + TIME_PER_PAGE, "overdue_since": None}
            if not connection.execute(own.values(under_way)).rowcount:
                return []
            owners = _find_owners(connection, merchant, after, limit)
            stopped = list[Key]()
            for owner in owners:
                own_row = {"merchant": merchant, "kind": owner.kind.value, "id": owner.id}
                is_stopped = select(_OWNERS.c.id).filter_by(**own_row).where(_OWNERS.c.stopped_at.is_not(None))
                if connection.execute(is_stopped.with_for_update()).first():
                    stopped.append(tuple(own_row.values()))
                changed = update(_OWNERS).filter_by(**own_row)
                connection.execute(changed.values(revision=_OWNERS.c.revision + 1, due_at=now, stopped_at=None))
            record_resumptions(connection, self._audit, "calendar", stopped, now)
            return owners

    def record_applied(self, merchant: str, revision: int, signalled: int) -> None:
        """Record that all owners, so many, were signalled; not of a revision that is no longer the last one."""
        own = update(_TABLE).where(_TABLE.c.merchant == merchant, _TABLE.c.revision == revision)
        done = {"applied_revision": revision, "signalled": signalled, "to_signal": signalled}
        with self._store.write() as connection:
            connection.execute(own.values(**done, due_at=None, overdue_since=None, problem=None))

    def stop(self, merchant: str, now: datetime, *, revision: int | None = None) -> None:
        """Record that an operator has stopped it at this revision, or at any if that is None."""
        unfinished = _TABLE.c.applied_revision < _TABLE.c.revision
        same = or_(literal(revision is None), _TABLE.c.revision == revision)
        record = record_stop(self._audit, SWITCH, now)
        self.due_rows.stop(now, _TABLE.c.merchant == merchant, unfinished, same, record=record)

    def resume(self, merchant: str, now: datetime) -> bool:
        """Make the merchant's switch due again; return whether it was stopped."""
        record = record_resumption(self._audit, SWITCH, now)
        return bool(self.due_rows.resume(now, _TABLE.c.merchant == merchant, record=record))

    def find_due(self, now: datetime) -> list[str]:
        """Return the merchants with a switch that nobody has taken up."""
        return [merchant for (merchant,) in self.due_rows.find(now)]

    def find_unfinished(self) -> list[str]:
        """Return the merchants with a switch that is not carried out, and that nobody has stopped."""
        unfinished = and_(_TABLE.c.applied_revision < _TABLE.c.revision, _TABLE.c.stopped_at.is_(None))
        with self._store.read() as session:
            return list(session.exec(select_row(MerchantSwitchRow.merchant).where(unfinished)))


def want_switch(connection: Connection, merchant: str, now: datetime, *, changed: bool) -> None:
    """Record within a transaction that the merchant's owners have to hear of its switch.

    One that is being carried out goes on if the merchant was switched the same way again.
    """
    _ENSURE.run(connection, merchant=merchant, revision=0, applied_revision=0, to_signal=0, signalled=0)
    known = (_OWNERS.c.merchant == merchant, _OWNERS.c.deleted_at.is_(None))
    total = select(func.count()).select_from(_OWNERS).where(*known).scalar_subquery()
    again = (_TABLE.c.applied_revision == _TABLE.c.revision) | literal(changed)
    begin = update(_TABLE).where(_TABLE.c.merchant == merchant, again)
    wanted = {"revision": _TABLE.c.revision + 1, "due_at": now, "to_signal": total}
    connection.execute(begin.values(**wanted, **_CHANGED))


def _find_owners(connection: Connection, merchant: str, after: Owner | None, limit: int) -> list[Owner]:
    kind, id_ = _OWNERS.c.kind, _OWNERS.c.id
    query = select(kind, id_).where(_OWNERS.c.merchant == merchant, _OWNERS.c.deleted_at.is_(None))
    if after:
        query = query.where(or_(kind > after.kind.value, and_(kind == after.kind.value, id_ > after.id)))
    found = connection.execute(query.order_by(kind, id_).limit(limit))
    return [Owner(kind=OwnerKind(each_kind), id=each_id) for each_kind, each_id in found]
