"""The list of a merchant's reservations, by when they were last reported."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select, tuple_

from slotsync.domain.reservations.event import HELD_UP
from slotsync.domain.reservations.reservation_filter import ReservationFilter
from slotsync.domain.reservations.snapshot import ReservationStatus
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.synced_events import SAME_RESERVATION
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

_TABLE = table_of(ReservationRow)
_EVENTS = table_of(SyncedEventRow)
_ORDER: Final = (_TABLE.c.since, _TABLE.c.id)


class ListedReservation(NamedTuple):
    """A reservation, when its newest version was reported, and when its items begin and end, None without any."""

    id: str
    changed_at: datetime
    status: ReservationStatus
    starts_at: datetime | None
    ends_at: datetime | None


class ReservationList:
    """Reads reservations page by page. One that is reported anew meanwhile comes again, as the last; none is missed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(
        self, merchant: str, chosen: ReservationFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[ListedReservation]:
        """Return the chosen reservations, by when they were last reported; those after a time and an id, if given."""
        columns = (_TABLE.c.id, _TABLE.c.since, _TABLE.c.status, _TABLE.c.starts_at, _TABLE.c.ends_at)
        query = select(*columns).where(*_chosen(merchant, chosen)).order_by(*_ORDER).limit(limit)
        if after:
            query = query.where(tuple_(*_ORDER) > tuple_(*after))
        with self._store.read() as session:
            return [_listed(row) for row in session.connection().execute(query)]


def _chosen(merchant: str, chosen: ReservationFilter) -> list[ColumnElement[bool]]:
    """Return the conditions for the merchant's reservations that are chosen."""
    conditions = [_TABLE.c.merchant == merchant]
    if chosen.start:
        conditions.append(or_(_TABLE.c.ends_at > chosen.start, _TABLE.c.ends_at.is_(None)))
    if chosen.end:
        conditions.append(or_(_TABLE.c.starts_at < chosen.end, _TABLE.c.starts_at.is_(None)))
    if chosen.changed_since:
        conditions.append(_TABLE.c.since >= chosen.changed_since)
    if chosen.state:
        conditions.append(_has_event(_EVENTS.c.state == chosen.state.value))
    if chosen.product:
        conditions.append(_has_event(and_(_EVENTS.c.kind == "product", _EVENTS.c.owner_id == chosen.product)))
    if chosen.attention:
        conditions.append(_NEEDS_ATTENTION)
    return conditions


def _has_event(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(SAME_RESERVATION, wanted)


_NEEDS_ATTENTION: Final = or_(
    _TABLE.c.stopped_at.is_not(None),
    _TABLE.c.problem.is_not(None),
    _TABLE.c.planned_version.is_(None),
    _TABLE.c.planned_version != _TABLE.c.version,
    _has_event(_EVENTS.c.state.in_([each.value for each in HELD_UP])),
)


def _listed(row: Row[*tuple[Any, ...]]) -> ListedReservation:
    return ListedReservation(row.id, row.since, ReservationStatus(row.status), row.starts_at, row.ends_at)
