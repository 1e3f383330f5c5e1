"""Managed calendars: one for each owner, recorded once."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, tuple_, update
from sqlmodel import Session, and_, col, select

from slotsync.domain.calendars.owner import ManagedCalendar, Owner, OwnerKind, OwnerSettings
from slotsync.domain.connections.connection import ConnectionState, allows_writing
from slotsync.store.calendars.creation_permits import use_permit
from slotsync.store.calendars.owner_changes import make_owner_due, mark_unsignalled
from slotsync.store.calendars.owner_rows import settings_of
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.drift_rows import close_calendars
from slotsync.store.tables.calendars import FormerCalendarRow, ManagedCalendarRow, MerchantRow, OwnerRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ManagedCalendarRow)
_ACTIVE, _REVOKED = ConnectionState.ACTIVE.value, ConnectionState.REVOKED.value


def _keep_first(insert: Insert) -> Executable:
    # Changes nothing, but unlike DO NOTHING it returns the existing row.
    unchanged = {"calendar_id": _TABLE.c.calendar_id}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=unchanged).returning(
        _TABLE.c.calendar_id
    )


_RECORD = Upsert(_TABLE, _keep_first)


def _keep_newest(insert: Insert) -> Executable:
    own = {name: insert.excluded[name] for name in ("kind", "owner_id", "account_key")}
    return insert.on_conflict_do_update(index_elements=_FORMER.primary_key, set_=own)


_FORMER = table_of(FormerCalendarRow)
_REMEMBER = Upsert(_FORMER, _keep_newest)


class ManagedCalendars:
    """Stores the calendar of each owner."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_calendars(self, merchant: str, owners: Sequence[Owner]) -> list[ManagedCalendar]:
        """Return settings and calendar of each owner, in the given order; an unknown owner is not synchronized.

        ``connection_id`` is the merchant's active connection, with or without a calendar, or None if none is active or
        it does not allow to write.
        """
        with self._store.read() as session:
            found = dict(_rows(session, merchant, owners))
        return [found.get(owner) or _unknown_calendar(owner) for owner in owners]

    def get_ids(self, merchant: str) -> list[str]:
        """Return the ids of all the merchant's calendars that slotsync manages."""
        query = select(ManagedCalendarRow.calendar_id).where(ManagedCalendarRow.merchant == merchant)
        with self._store.read() as session:
            return [*session.exec(query)]

    def get_made(self, merchant: str) -> dict[Owner, str]:
        """Return the ids of the merchant's calendars by owner, products first."""
        query = select(ManagedCalendarRow).where(ManagedCalendarRow.merchant == merchant)
        with self._store.read() as session:
            rows = session.exec(query.order_by(_TABLE.c.kind, _TABLE.c.owner_id))
            return {Owner(kind=OwnerKind(row.kind), id=row.owner_id): row.calendar_id for row in rows}

    def record(
        self, merchant: str, owner: Owner, calendar_id: str, connection_id: str, time_zone: str | None = None
    ) -> str:
        """Record a calendar for the owner, unless it has one; return the id of the recorded calendar.

        ``time_zone`` (IANA) is what Google shows of it, None if that is unknown.
        """
        with self._store.write() as connection:
            recorded = _RECORD.run(
                connection,
                **_key(merchant, owner),
                calendar_id=calendar_id,
                connection_id=connection_id,
                created_at=datetime.now(UTC),
                shown_zone=time_zone,
            )
            connection.execute(delete(_FORMER).filter_by(merchant=merchant, calendar_id=calendar_id))
            use_permit(connection, merchant, owner, calendar_id)
            return str(recorded)

    def record_shown(self, merchant: str, owner: Owner, calendar_id: str, name: str, time_zone: str) -> None:
        """Record the name and the time zone (IANA) that Google shows of the calendar.

        With another time zone, all open reservations of the owner are to be signalled again: their events follow it.
        """
        own = update(_TABLE).filter_by(**_key(merchant, owner), calendar_id=calendar_id)
        other_zone = own.where(_TABLE.c.shown_zone != time_zone).values(shown_zone=time_zone)
        with self._store.write() as connection:
            if connection.execute(other_zone).rowcount:
                mark_unsignalled(connection, merchant, owner)
            connection.execute(own.values(shown_name=name, shown_zone=time_zone))

    def get_shown(self, merchant: str, owner: Owner) -> tuple[str | None, str | None]:
        """Return the name and the time zone that Google shows of the owner's calendar, None while it is unknown."""
        with self._store.read() as session:
            row = session.get(ManagedCalendarRow, tuple(_key(merchant, owner).values()))
            return (row.shown_name, row.shown_zone) if row else (None, None)

    def forget_shown(self, merchant: str, owner: Owner, calendar_id: str) -> None:
        """Record that Google shows another name or time zone of the calendar: its workflow writes them again."""
        with self._store.write() as connection:
            own = update(_TABLE).filter_by(**_key(merchant, owner), calendar_id=calendar_id)
            connection.execute(own.values(shown_name=None))

    def doubt(self, merchant: str, calendar_id: str, now: datetime) -> None:
        """Have the calendar's workflow look at it soon: it may be deleted, or lost. Without effect for any other."""
        own = update(_TABLE).filter_by(merchant=merchant, calendar_id=calendar_id).values(shown_name=None)
        with self._store.write() as connection:
            for row in connection.execute(own.returning(_TABLE.c.kind, _TABLE.c.owner_id)).all():
                make_owner_due(connection, merchant, Owner(kind=OwnerKind(row.kind), id=row.owner_id), now)

    def find_all(self) -> list[tuple[str, Owner]]:
        """Return the owners of all merchants that have a calendar, each with its merchant, in the order of names."""
        columns = select(ManagedCalendarRow.merchant, ManagedCalendarRow.kind, ManagedCalendarRow.owner_id)
        with self._store.read() as session:
            found = [(name, Owner(kind=OwnerKind(kind), id=id_)) for name, kind, id_ in session.exec(columns)]
        return sorted(found, key=lambda each: f"{each[0]} {each[1]}")

    def find_unnamed(self, merchant: str, owners: Sequence[Owner]) -> set[Owner]:
        """Return the synchronized owners with a calendar that has not the name or the time zone that it should."""
        made = [each for each in self.get_calendars(merchant, owners) if each.calendar_id and each.settings.sync]
        return {
            each.owner
            for each in made
            if self.get_shown(merchant, each.owner) != (each.settings.name, each.settings.time_zone)
        }

    def filter_managed(self, calendar_ids: Collection[str]) -> set[str]:
        """Return the ids of these calendars that slotsync created, for any merchant."""
        query = select(ManagedCalendarRow.calendar_id).where(col(ManagedCalendarRow.calendar_id).in_(calendar_ids))
        with self._store.read() as session:
            return {*session.exec(query)}

    def filter_others(self, merchant: str, owner: Owner, calendar_ids: Collection[str]) -> set[str]:
        """Return the ids of these calendars that are recorded for other owners than this one, of any merchant."""
        others = ~and_(*(_TABLE.c[name] == value for name, value in _key(merchant, owner).items()))
        query = select(_TABLE.c.calendar_id).where(_TABLE.c.calendar_id.in_(calendar_ids), others)
        with self._store.read() as session:
            return {*session.exec(query)}

    def forget(self, merchant: str, owner: Owner, calendar_id: str) -> None:
        """Delete the record of a calendar that is gone, unless another one was recorded since, and close its drift."""
        gone, now = {**_key(merchant, owner), "calendar_id": calendar_id}, self._store.now()
        with self._store.write() as connection:
            close_calendars(connection, merchant, calendar_id, now)
            connection.execute(delete(_TABLE).filter_by(**gone))


# Built once: each plan of a reservation reads it several times, and SQLAlchemy takes longer to build than to run it.
_SELECT_ROWS = (
    select(OwnerRow, MerchantRow, ManagedCalendarRow, ConnectionRow)
    .select_from(OwnerRow)
    .join(MerchantRow)
    .outerjoin(ManagedCalendarRow)
    .outerjoin(
        ConnectionRow,
        and_(ConnectionRow.merchant == OwnerRow.merchant, col(ConnectionRow.state).in_((_ACTIVE, _REVOKED))),
    )
    .where(
        OwnerRow.merchant == bindparam("merchant"),
        tuple_(col(OwnerRow.kind), col(OwnerRow.id)).in_(bindparam("wanted", expanding=True)),
    )
)


def _rows(session: Session, merchant: str, owners: Sequence[Owner]) -> Iterator[tuple[Owner, ManagedCalendar]]:
    wanted = [(owner.kind.value, owner.id) for owner in owners]
    for row, merchant_row, made, connected in session.exec(
        _SELECT_ROWS, params={"merchant": merchant, "wanted": wanted}
    ):
        owner = Owner(kind=OwnerKind(row.kind), id=row.id)
        off = next((switch for switch in (row, merchant_row) if not switch.sync), None)
        yield (
            owner,
            ManagedCalendar(
                owner=owner,
                settings=settings_of(row).model_copy(update={"sync": off is None}),
                known=row.deleted_at is None,
                removing=off is not None and off.remove_events,
                connection_id=_find_usable(connected),
                lacks_scope=_lacks_scope(connected),
                refusal=_find_refusal(connected),
                **_describe_made(made),
            ),
        )


def _describe_made(made: ManagedCalendarRow | None) -> dict[str, Any]:
    """Return what is known of the owner's calendar in Google, nothing as long as there is none."""
    return {"calendar_id": made.calendar_id, "shown_zone": made.shown_zone} if made else {}


def _find_usable(connected: ConnectionRow | None) -> str | None:
    """Return the connection's id if there is one that allows to write, else None."""
    usable = connected and connected.state == _ACTIVE and not _lacks_scope(connected)
    return connected.id if connected and usable else None


def _find_refusal(connected: ConnectionRow | None) -> str | None:
    """Return why Google refuses the grant, None if it does not."""
    return (connected.last_error or _REVOKED) if connected and connected.state == _REVOKED else None


def _lacks_scope(connected: ConnectionRow | None) -> bool:
    return connected is not None and connected.state == _ACTIVE and not allows_writing(connected.scopes.split())


def forget_managed_calendars(connection: Connection, merchant: str, account_key: str) -> list[str]:
    """Delete the records of all the merchant's calendars, which are of this account; remember and return their ids."""
    gone = delete(_TABLE).where(_TABLE.c.merchant == merchant)
    columns = (_TABLE.c.merchant, _TABLE.c.kind, _TABLE.c.owner_id, _TABLE.c.calendar_id)
    rows = [{**each, "account_key": account_key} for each in connection.execute(gone.returning(*columns)).mappings()]
    if rows:
        _REMEMBER.run_all(connection, rows)
    return [each["calendar_id"] for each in rows]


def have_all_audited(connection: Connection, merchant: str, owner: Owner | None = None) -> None:
    """Have the next audit look through all of the owner's calendar, or of all the merchant's, in a transaction."""
    own = {"merchant": merchant} if owner is None else _key(merchant, owner)
    connection.execute(update(_TABLE).filter_by(**own).values(sync_token=None))


def _unknown_calendar(owner: Owner) -> ManagedCalendar:
    return ManagedCalendar(owner=owner, settings=OwnerSettings.model_construct(name=owner.id, sync=False), known=False)


def _key(merchant: str, owner: Owner) -> dict[str, str]:
    return {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id}
