"""Rows of drift: what makes it the same drift, and how they are closed by what else is stored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, select, update

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.reservations.drift import Drift, DriftKind, Place
from slotsync.domain.reservations.event import EventKey
from slotsync.store.database.base import table_of
from slotsync.store.tables.drift import DriftRow
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

Identity = tuple[object, ...]
"""The marks of the same drift: its kind, the event, and the fields."""

_TABLE = table_of(DriftRow)
_EVENTS = table_of(SyncedEventRow)
_RESERVATIONS = table_of(ReservationRow)

KEPT: Final = timedelta(days=90)
"""The time for which drift is kept after it was resolved."""

_PLACE: Final = ("reservation", "item", "event_kind", "event_owner_id")
_WRITTEN_OVER: Final = (DriftKind.CHANGED.value, DriftKind.MOVED.value, DriftKind.DELETED.value)
"""The kinds of drift that each write of the event puts right; of others, an audit sees whether they are."""


def identity_of(drift: Drift) -> Identity:
    """Return what makes it the same drift."""
    place = (drift.reservation, drift.key) if drift.reservation and drift.key else None
    return drift.kind.value, *place_columns(place).values(), " ".join(drift.fields)


def row_identity(row: Mapping[str, object]) -> Identity:
    """Return what makes it the same drift as that of a row."""
    return tuple(row[name] for name in ("drift", *_PLACE, "fields"))


def place_of(identity: Identity) -> Identity:
    """Return the columns of the event in an identity."""
    return identity[1:5]


def place_columns(place: Place | None) -> dict[str, object]:
    """Return the columns of an event, null of a whole calendar."""
    if place is None:
        return dict.fromkeys(_PLACE)
    reservation, key = place
    return dict(zip(_PLACE, (reservation, key.item, key.owner.kind.value, key.owner.id), strict=True))


def drift_columns(drift: Drift) -> dict[str, object]:
    """Return the columns that describe a drift."""
    place = (drift.reservation, drift.key) if drift.reservation and drift.key else None
    fields = " ".join(drift.fields)
    return {"drift": drift.kind.value, "fields": fields, **place_columns(place), **found_columns(drift)}


def found_columns(drift: Drift) -> dict[str, object]:
    """Return the columns that say what was written, and what people made of it."""
    return {"version": drift.version, "shape": drift.shape}


def drift_in(row: DriftRow) -> Drift:
    """Return the drift of an event in a row."""
    assert row.event_kind
    assert row.event_owner_id
    owner = Owner(kind=OwnerKind(row.event_kind), id=row.event_owner_id)
    key = EventKey(item=row.item or "", owner=owner)
    return Drift(kind=DriftKind(row.drift), reservation=row.reservation, key=key, fields=tuple(row.fields.split()))


def close_written(  # noqa: PLR0913, PLR0917  the event, and what was written when
    connection: Connection, merchant: str, reservation: str, key: EventKey, version: int, now: datetime
) -> None:
    """Close what a write of this version puts right, within a transaction, before the write is recorded.

    What is stored as newer stays.
    """
    place = place_columns((reservation, key))
    newer = select(_EVENTS.c.written_version).where(
        _EVENTS.c.merchant == merchant,
        _EVENTS.c.reservation == reservation,
        _EVENTS.c.item == key.item,
        _EVENTS.c.kind == key.owner.kind.value,
        _EVENTS.c.owner_id == key.owner.id,
        _EVENTS.c.written_version > version,
    )
    own = (_is_open(merchant), *(_TABLE.c[name] == value for name, value in place.items()))
    put_right = select(_TABLE.c.id).where(*own, _TABLE.c.drift.in_(_WRITTEN_OVER), ~newer.exists())
    _close(connection, put_right, now)


def close_calendars(connection: Connection, merchant: str, calendar_id: str | None, now: datetime) -> None:
    """Close what is open in a calendar that is gone, or with None in all, within a transaction.

    That it was deleted is open until another one is there, unless all are gone.
    """
    own = select(_TABLE.c.id).where(_is_open(merchant))
    if calendar_id is not None:
        own = own.where(_TABLE.c.calendar_id == calendar_id, _TABLE.c.drift != DriftKind.CALENDAR_DELETED.value)
    _close(connection, own, now)


def close_owners(connection: Connection, merchant: str, owner: Owner, now: datetime) -> None:
    """Close what is open about a product or resource that is gone, in whichever calendar, within a transaction."""
    calendar = and_(_TABLE.c.kind == owner.kind.value, _TABLE.c.owner_id == owner.id)
    events = and_(_TABLE.c.event_kind == owner.kind.value, _TABLE.c.event_owner_id == owner.id)
    _close(connection, select(_TABLE.c.id).where(_is_open(merchant), calendar | events), now)


def _close(connection: Connection, which: Select[tuple[str]], now: datetime) -> None:
    """Close these rows, locked in the order in which audits lock them: in another order, two could deadlock."""
    ids = connection.execute(which.order_by(_TABLE.c.id).with_for_update(of=_TABLE)).scalars().all()
    if ids:
        connection.execute(update(_TABLE).where(_TABLE.c.id.in_(ids)).values(resolved_at=now))


def is_waiting(connection: Connection, merchant: str, reservation: object) -> bool:
    """Return whether the reservation's workflow has still to look at it, or was stopped before."""
    own = select(_RESERVATIONS.c.id).where(_RESERVATIONS.c.merchant == merchant, _RESERVATIONS.c.id == reservation)
    waits = _RESERVATIONS.c.due_at.is_not(None) | _RESERVATIONS.c.stopped_at.is_not(None)
    return connection.execute(own.where(waits)).first() is not None


def _is_open(merchant: str) -> ColumnElement[bool]:
    return and_(_TABLE.c.merchant == merchant, _TABLE.c.resolved_at.is_(None))
