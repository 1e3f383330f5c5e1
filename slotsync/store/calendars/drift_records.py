"""Drift records: what audits found, what was done about it, and how far each calendar was looked through."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Update, delete, func, insert, select, tuple_, update
from sqlmodel import col

from slotsync.domain.audit import AuditAction, AuditChange
from slotsync.domain.availability.messages import ProductKey, merchants_messages
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.merchant import OnDrift
from slotsync.domain.messages import Message
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftAnswer, DriftKind, Place
from slotsync.domain.reservations.event import EventKey
from slotsync.domain.webhooks import DriftedEvent, DriftFound
from slotsync.errors import WrongState
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.merchants import get_on_drift
from slotsync.store.reservations.returned_calendars import write_anew
from slotsync.store.tables.calendars import ManagedCalendarRow
from slotsync.store.tables.drift import DriftRow
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages

KEPT: Final = timedelta(days=90)
"""The time for which drift is kept after it was resolved."""

MAX_DRIFTS_TOLD: Final = 100
"""The drifts that one message names; the list has all."""

_TABLE = table_of(DriftRow)
_CALENDARS = table_of(ManagedCalendarRow)


@dataclass(frozen=True)
class AuditState:
    """The progress of the audits of a calendar: ``sync_token`` is None if all of it has to be."""

    sync_token: str | None
    fully_audited_at: datetime | None


@dataclass(frozen=True)
class CompletedAudit:
    """The result of an audit of a calendar at ``at``, with what is done about each drift.

    ``right`` are the events that were looked at and are right; with ``complete``, all others of the calendar are, too.
    Without a ``sync_token`` the same changes are looked at again.
    """

    merchant: str
    owner: Owner
    calendar_id: str
    at: datetime
    found: Sequence[tuple[Drift, DriftAction]]
    right: Collection[Place]
    complete: bool
    sync_token: str | None


class ListedDrift(Message):
    """A drift in the calendar of ``owner``, of an event or of the whole; null in ``resolved_at`` as long as it stands.

    ``action``: it is put right, only reported, or asked about; then ``answer`` is null until somebody has answered.
    ``fields`` are those of the event that people changed.
    """

    id: str
    found_at: datetime
    owner: Owner
    kind: DriftKind
    action: DriftAction
    reservation: str | None
    item: str | None
    fields: tuple[str, ...]
    answer: DriftAnswer | None
    resolved_at: datetime | None


@dataclass(frozen=True)
class RecordedAudit:
    """The drift that was not known before, and of how much ours is put back."""

    new: Sequence[Drift]
    repaired: int


class DriftRecords:
    """Stores drift. With ``messages`` the platform is told what is new."""

    def __init__(self, store: Store, messages: WebhookMessages | None = None) -> None:
        self._store = store
        self._messages = messages

    def get_state(self, merchant: str, owner: Owner, calendar_id: str) -> AuditState:
        """Return how far the owner's calendar was looked through."""
        columns = (_CALENDARS.c.sync_token, _CALENDARS.c.fully_audited_at)
        own = select(*columns).where(*_is_calendar(merchant, owner, calendar_id))
        with self._store.read() as session:
            row = session.connection().execute(own).one_or_none()
        return AuditState(*row) if row else AuditState(None, None)

    def record(self, audit: CompletedAudit) -> RecordedAudit:
        """Record an audit in one transaction, and have reservations write anew what is repaired.

        What was repaired and has drifted again is new. What somebody wants to be kept stays.
        """
        with self._store.write() as connection:
            known = self._resolve(connection, audit)
            new = [_New.of(drift, action) for drift, action in audit.found if _identity(drift) not in known]
            repaired = [each.drift for each in new if each.action is DriftAction.REPAIR]
            if new and self._messages:
                self._messages.put(connection, *_message(audit, new))
            for each in new:
                connection.execute(insert(_TABLE).values(**_columns(audit, each)))
            for drift in repaired:
                write_anew(connection, audit.merchant, audit.calendar_id, drift, audit.at)
            connection.execute(_record_state(audit))
            connection.execute(delete(_TABLE).where(*_is_owners(audit), _TABLE.c.resolved_at < audit.at - KEPT))
        return RecordedAudit([each.drift for each in new], len(repaired))

    def answer(
        self, merchant: str, drift_id: str, answer: DriftAnswer, audit: AuditLog, now: datetime
    ) -> ListedDrift | None:
        """Record the answer to what is asked, in the audit log, too; return it, None if there is no such drift.

        If ours is to be put back, the reservation is due.

        Raises:
            WrongState: nobody asks about it, or no more.
        """
        own = select(_TABLE).filter_by(merchant=merchant, id=drift_id)
        with self._store.write() as connection:
            found = connection.execute(own.with_for_update()).mappings().one_or_none()
            if found is None:
                return None
            row = DriftRow(**found)
            if row.answer == answer.value:
                return _listed(row)
            if row.action != DriftAction.ASK.value or row.resolved_at:
                raise WrongState("Only drift that is asked about and still stands is answered.")
            row.answer = answer.value
            if answer is DriftAnswer.REPAIR:
                row.resolved_at = now
                write_anew(connection, merchant, row.calendar_id, _drift_of(row), now)
            answered = {"answer": row.answer, "resolved_at": row.resolved_at}
            connection.execute(update(_TABLE).filter_by(id=drift_id).values(**answered))
            audit.record(connection, merchant, _describe_answer(row), now)
        return _listed(row)

    def get_choice(self, merchant: str) -> OnDrift:
        """Return what the merchant wants to be done about drift."""
        with self._store.read() as session:
            return get_on_drift(session, merchant)

    def find(
        self, merchant: str, limit: int, after: tuple[datetime, str] | None = None, *, only_open: bool = False
    ) -> list[ListedDrift]:
        """Return the merchant's drift by when it was found, after a time and an id if given."""
        order = (_TABLE.c.found_at, _TABLE.c.id)
        query = select(_TABLE).where(_TABLE.c.merchant == merchant).order_by(*order).limit(limit)
        query = query.where(tuple_(*order) > tuple_(*after)) if after else query
        query = query.where(_TABLE.c.resolved_at.is_(None)) if only_open else query
        with self._store.read() as session:
            return [_listed(DriftRow(**row)) for row in session.connection().execute(query).mappings()]

    def find_asked(self, merchant: str, limit: int) -> list[ListedDrift]:
        """Return the merchant's drift that somebody is asked about and has not answered, the oldest first."""
        asked = (_TABLE.c.action == DriftAction.ASK.value, _TABLE.c.answer.is_(None), _TABLE.c.resolved_at.is_(None))
        query = select(_TABLE).where(_TABLE.c.merchant == merchant, *asked).order_by(_TABLE.c.found_at, _TABLE.c.id)
        with self._store.read() as session:
            return [_listed(DriftRow(**row)) for row in session.connection().execute(query.limit(limit)).mappings()]

    def count_open(self) -> dict[DriftAction, int]:
        """Return how much drift of all merchants stands, by what is done about it; what is to be kept is left out."""
        unresolved = (_TABLE.c.resolved_at.is_(None), _TABLE.c.answer.is_(None))
        query = select(_TABLE.c.action, func.count()).where(*unresolved).group_by(_TABLE.c.action)
        with self._store.read() as session:
            found = {DriftAction(action): count for action, count in session.connection().execute(query)}
        return {action: found.get(action, 0) for action in DriftAction}

    def _resolve(self, connection: Connection, audit: CompletedAudit) -> set[tuple[object, ...]]:
        """Close what is open no longer, or is to be treated otherwise by now; return what stays as it is."""
        found = {_identity(drift): action for drift, action in audit.found}
        places = {_place_columns(place) for place in audit.right} | {identity[1:5] for identity in found}
        stays = set[tuple[object, ...]]()
        open_ = connection.execute(select(_TABLE).where(*_is_owners(audit), _TABLE.c.resolved_at.is_(None)))
        for row in open_.mappings().all():
            identity = _row_identity(dict(row))
            is_kept = row["answer"] == DriftAnswer.KEEP.value
            if identity in found and (is_kept or row["action"] == found[identity].value != DriftAction.REPAIR.value):
                stays.add(identity)
            elif audit.complete or identity[1] is None or identity[1:5] in places:
                connection.execute(update(_TABLE).filter_by(id=row["id"]).values(resolved_at=audit.at))
        return stays

    def find_repaired(self, merchant: str, owner: Owner, at: datetime) -> list[str]:
        """Return the reservations that an audit of the owner's calendar at this time has something repaired for."""
        own = {"merchant": merchant, "kind": owner.kind.value, "owner_id": owner.id, "found_at": at}
        repaired = select(_TABLE.c.reservation).filter_by(**own, action=DriftAction.REPAIR.value)
        found = repaired.where(_TABLE.c.reservation.is_not(None)).distinct().order_by(_TABLE.c.reservation)
        with self._store.read() as session:
            return [*session.connection().execute(found).scalars()]

    def count_repairs(self, merchant: str, place: Place, after: datetime) -> int:
        """Return how often an event was repaired since this time."""
        names = ("reservation", "item", "event_kind", "event_owner_id")
        own = dict(zip(names, _place_columns(place), strict=True))
        repairs = select(_TABLE.c.id).filter_by(merchant=merchant, action=DriftAction.REPAIR.value, **own)
        with self._store.read() as session:
            return len(session.connection().execute(repairs.where(_TABLE.c.found_at > after)).all())


def _record_state(audit: CompletedAudit) -> Update:
    own = update(_CALENDARS).where(*_is_calendar(audit.merchant, audit.owner, audit.calendar_id))
    full = {"fully_audited_at": audit.at} if audit.complete else {}
    token = {"sync_token": audit.sync_token} if audit.sync_token else {}
    return own.values(audited_at=audit.at, **full, **token)


def _is_owners(audit: CompletedAudit) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the drift in the calendar of the audit's product or resource."""
    owner = (_TABLE.c.kind == audit.owner.kind.value, _TABLE.c.owner_id == audit.owner.id)
    return _TABLE.c.merchant == audit.merchant, *owner


def _is_calendar(merchant: str, owner: Owner, calendar_id: str) -> Sequence[ColumnElement[bool]]:
    return (
        col(ManagedCalendarRow.merchant) == merchant,
        col(ManagedCalendarRow.kind) == owner.kind.value,
        col(ManagedCalendarRow.owner_id) == owner.id,
        col(ManagedCalendarRow.calendar_id) == calendar_id,
    )


@dataclass(frozen=True)
class _New:
    """Drift that was not known, what is done about it, and its id."""

    drift: Drift
    action: DriftAction
    id: str

    @classmethod
    def of(cls, drift: Drift, action: DriftAction) -> Self:
        return cls(drift, action, uuid4().hex)


def _columns(audit: CompletedAudit, new: _New) -> dict[str, object]:
    kind, *place, fields = _identity(new.drift)
    return {
        "id": new.id,
        "merchant": audit.merchant,
        "kind": audit.owner.kind.value,
        "owner_id": audit.owner.id,
        "calendar_id": audit.calendar_id,
        "found_at": audit.at,
        "drift": kind,
        "fields": fields,
        **dict(zip(("reservation", "item", "event_kind", "event_owner_id"), place, strict=True)),
        "action": new.action.value,
    }


def _identity(drift: Drift) -> tuple[object, ...]:
    """Return what makes it the same drift: its kind, the event, and the fields."""
    place = (drift.reservation, drift.key) if drift.reservation and drift.key else None
    return drift.kind.value, *_place_columns(place), " ".join(drift.fields)


def _row_identity(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("drift", "reservation", "item", "event_kind", "event_owner_id", "fields"))


def _place_columns(place: Place | None) -> tuple[object, ...]:
    if place is None:
        return (None,) * 4
    reservation, key = place
    return reservation, key.item, key.owner.kind.value, key.owner.id


def _listed(row: DriftRow) -> ListedDrift:
    return ListedDrift(
        id=row.id,
        found_at=row.found_at,
        owner=Owner(kind=OwnerKind(row.kind), id=row.owner_id),
        kind=DriftKind(row.drift),
        action=DriftAction(row.action),
        reservation=row.reservation,
        item=row.item,
        fields=tuple(row.fields.split()),
        answer=DriftAnswer(row.answer) if row.answer else None,
        resolved_at=row.resolved_at,
    )


def _drift_of(row: DriftRow) -> Drift:
    """Return the drift of an event in a row."""
    assert row.event_kind
    assert row.event_owner_id
    owner = Owner(kind=OwnerKind(row.event_kind), id=row.event_owner_id)
    key = EventKey(item=row.item or "", owner=owner)
    return Drift(kind=DriftKind(row.drift), reservation=row.reservation, key=key, fields=tuple(row.fields.split()))


def _describe_answer(row: DriftRow) -> AuditChange:
    answered = {"reservation": row.reservation, "drift": row.drift, "answer": row.answer}
    return AuditChange(action=AuditAction.DRIFT_ANSWERED, subject=f"{row.kind}:{row.owner_id}", after=answered)


def _message(
    audit: CompletedAudit, new: Sequence[_New]
) -> tuple[str, ProductKey, MessageOrder, MessageContent, datetime]:
    """Return the message that tells of new drift, in the order of arguments of ``WebhookMessages.put``."""
    drifts = tuple(
        DriftedEvent(
            id=each.id,
            kind=each.drift.kind,
            action=each.action,
            reservation=each.drift.reservation,
            item=each.drift.key.item if each.drift.key else None,
            fields=each.drift.fields,
        )
        for each in new
    )
    counts = Counter(each.kind for each in drifts)
    data = DriftFound(merchant=audit.merchant, owner=audit.owner, counts=counts, drifts=drifts[:MAX_DRIFTS_TOLD])
    order = MessageOrder(number=0, place=1)
    key = merchants_messages(audit.merchant)
    return f"msg_drift_{uuid4().hex}", key, order, MessageContent.build(data, audit.at), audit.at
