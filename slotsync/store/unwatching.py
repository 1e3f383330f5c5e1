"""The end of watching an account: nothing that was read of it stays."""

from sqlalchemy import Connection, delete, select

from slotsync.store.busy_tables import WatchedAccountRow, WatchedCalendarRow
from slotsync.store.upsert import table_of
from slotsync.store.watched_accounts import forget_calendars

_ACCOUNTS = table_of(WatchedAccountRow)
_CALENDARS = table_of(WatchedCalendarRow)


def forget_account(connection: Connection, connection_id: str) -> None:
    """Forgets that the account was watched, with all that was read of it."""
    forget_calendars_of(connection, connection_id)
    connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.connection_id == connection_id))


def forget_calendars_of(connection: Connection, connection_id: str) -> None:
    """Forgets all watched calendars of the account, with their readings and channels."""
    watched = select(_CALENDARS.c.id).where(_CALENDARS.c.connection_id == connection_id)
    forget_calendars(connection, connection.execute(watched).scalars().all())
