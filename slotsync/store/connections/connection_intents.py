"""Intents of connections: a disconnection, work that waits for a grant, a stop by an operator."""

from datetime import datetime
from typing import Final

from sqlalchemy import literal, or_, update
from sqlmodel import select as select_row

from slotsync.domain.audit import CONNECTION
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.connections.messages import ConnectionPlan, ConnectionStep
from slotsync.store.audit_log import AuditLog, record_resumption, record_stop
from slotsync.store.connections.connections import find_row
from slotsync.store.database.base import table_of
from slotsync.store.database.due_rows import DueRows
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConnectionRow)
_ACTIVE: Final = ConnectionState.ACTIVE.value
_REVOKED: Final = ConnectionState.REVOKED.value


class ConnectionIntents:
    """Stores what connections' workflows have to do, and what they have done of it.

    With ``audit`` it stands there who has stopped and resumed them.
    """

    def __init__(self, store: Store, audit: AuditLog | None = None) -> None:
        self._store = store
        self._audit = audit
        self.due_rows = DueRows(store, _TABLE, "merchant")

    def plan(self, merchant: str) -> ConnectionPlan:
        """Return the next step of the merchant's connection. One that waits for nothing is no longer due."""
        with self._store.read() as session:
            row = find_row(session, merchant)
        if row is None:
            return ConnectionPlan(step=ConnectionStep.CLOSE, reason="There was no connection.")
        if row.disconnect_choice:
            calendars = CalendarChoice(row.disconnect_choice)
            return ConnectionPlan(step=ConnectionStep.DISCONNECT, calendars=calendars, grant_number=row.grant_number)
        if row.state == ConnectionState.DISCONNECTED.value:
            return ConnectionPlan(step=ConnectionStep.CLOSE, reason="The merchant is disconnected.")
        if row.stopped_at:
            return ConnectionPlan(step=ConnectionStep.CLOSE, reason="An operator has stopped it.")
        if row.state == _ACTIVE and row.grant_number != row.served_grant:
            return ConnectionPlan(step=ConnectionStep.SERVE, grant_number=row.grant_number, all_open=row.resume_all)
        if row.due_at:
            self._take_up(row)
        refused = row.state == _REVOKED
        return ConnectionPlan(
            step=ConnectionStep.PARK if refused else ConnectionStep.WAIT,
            reason=row.last_error or "",
            grant_number=row.grant_number,
            since=row.since,
            notices=row.notices,
            kept=row.refresh_token is not None,
        )

    def find_due(self, now: datetime) -> list[str]:
        """Return the merchants with a connection of which something was not taken up."""
        return [merchant for (merchant,) in self.due_rows.find(now)]

    def find_unfinished(self) -> list[str]:
        """Return the merchants with a connection that is not disconnected, or due, and that nobody has stopped."""
        unfinished = or_(_TABLE.c.state.in_((_ACTIVE, _REVOKED)), _TABLE.c.due_at.is_not(None))
        wanted = (unfinished, _TABLE.c.stopped_at.is_(None))
        with self._store.read() as session:
            return list(session.exec(select_row(ConnectionRow.merchant).where(*wanted)))

    def stop(self, merchant: str, now: datetime, *, grant_number: int | None = None) -> None:
        """Record that an operator has stopped the connection's workflow: nothing is due until it is resumed.

        A newer grant and a wish to disconnect are not stopped; None stops any grant.
        """
        own = (_TABLE.c.merchant == merchant, _TABLE.c.state != ConnectionState.DISCONNECTED.value)
        same_grant = or_(literal(grant_number is None), _TABLE.c.grant_number == grant_number)
        record = record_stop(self._audit, CONNECTION, now)
        self.due_rows.stop(now, *own, _TABLE.c.disconnect_choice.is_(None), same_grant, record=record)

    def resume(self, merchant: str, now: datetime) -> bool:
        """Make the merchant's connection due again; return whether it was stopped."""
        record = record_resumption(self._audit, CONNECTION, now)
        return bool(self.due_rows.resume(now, _TABLE.c.merchant == merchant, record=record))

    def _take_up(self, row: ConnectionRow) -> None:
        """Record that the workflow has seen the row in this state: it is due again once that changes."""
        seen = (_TABLE.c.id == row.id, _TABLE.c.state == row.state, _TABLE.c.grant_number == row.grant_number)
        with self._store.write() as connection:
            own = update(_TABLE).where(*seen, _TABLE.c.disconnect_choice.is_(None))
            connection.execute(own.values(due_at=None, overdue_since=None, problem=None))
