"""Drift records: what audits found, what was done about it, and how far each calendar was looked through."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Update, and_, case, delete, func, insert, or_, select, tuple_, update
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
from slotsync.store.reservations.drift_rows import (
    KEPT,
    Identity,
    drift_columns,
    drift_in,
    found_columns,
    identity_of,
    is_waiting,
    place_columns,
    place_of,
    row_identity,
)
from slotsync.store.reservations.returned_calendars import write_anew
from slotsync.store.tables.calendars import ManagedCalendarRow, MerchantRow
from slotsync.store.tables.drift import DriftRow
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages

MAX_DRIFTS_TOLD: Final = 100
"""The drifts that one message names; the list has all."""

_TABLE = table_of(DriftRow)
_CALENDARS = table_of(ManagedCalendarRow)
_MERCHANTS = table_of(MerchantRow)
_REPAIR: Final = DriftAction.REPAIR.value
_DRAGGED: Final = DriftKind.MOVED_TO_CALENDAR.value


@dataclass(frozen=True)
class AuditState:
    """The progress of the audits of a calendar: ``sync_token`` is None if all of it has to be."""

    sync_token: str | None
    fully_audited_at: datetime | None


@dataclass(frozen=True)
class CompletedAudit:
    """The result of an audit of a calendar at ``at``, with what is done about each drift.

    ``right`` are the events that were looked at and are right; with ``complete``, all others of the calendar are, too.
    But ``unknown`` are being written, or have to be: nobody can say what they should show now. Without a ``sync_token``
    the same changes are looked at again.
    """

    merchant: str
    owner: Owner
    calendar_id: str
    at: datetime
    found: Sequence[tuple[Drift, DriftAction]]
    right: Collection[Place]
    complete: bool
    sync_token: str | None
    unknown: Collection[Place] = ()


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

        What was repaired and has drifted again is new. What somebody wants to be kept stays as long as it is that.
        """
        with self._store.write() as connection:
            _lock_calendars(connection, audit.merchant)
            known = self._resolve(connection, audit)
            new = [_New.of(drift, action) for drift, action in audit.found if identity_of(drift) not in known]
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

        If ours is to be put back, the reservation is due; it is open until that is seen, and no other answer counts.

        Raises:
            WrongState: nobody asks about it, or no more, or ours is being put back.
        """
        own = select(_TABLE).filter_by(merchant=merchant, id=drift_id)
        with self._store.write() as connection:
            _lock_calendars(connection, merchant)
            found = connection.execute(own.with_for_update()).mappings().one_or_none()
            if found is None:
                return None
            row = DriftRow(**found)
            _require_answerable(row, answer)
            if row.answer == answer.value:
                return _listed(row)
            before, row.answer = row.answer, answer.value
            if answer is DriftAnswer.REPAIR:
                write_anew(connection, merchant, row.calendar_id, drift_in(row), now)
            connection.execute(update(_TABLE).filter_by(id=drift_id).values(answer=row.answer))
            audit.record(connection, merchant, _describe_answer(row, before), now)
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

    def find_kinds(self, merchant: str, reservation: str) -> dict[EventKey, DriftKind]:
        """Return how events of a reservation stand otherwise than they were written, as the last audits found them."""
        own = select(_TABLE).filter_by(merchant=merchant, reservation=reservation, resolved_at=None)
        with self._store.read() as session:
            rows = session.connection().execute(own.order_by(_TABLE.c.found_at, _TABLE.c.id)).mappings().all()
        found = [drift_in(DriftRow(**row)) for row in rows]
        return {each.key: each.kind for each in found if each.key}

    def find_asked(self, merchant: str, limit: int) -> list[ListedDrift]:
        """Return the merchant's drift that somebody is asked about and has not answered, the oldest first."""
        asked = (_TABLE.c.action == DriftAction.ASK.value, _TABLE.c.answer.is_(None), _TABLE.c.resolved_at.is_(None))
        query = select(_TABLE).where(_TABLE.c.merchant == merchant, *asked).order_by(_TABLE.c.found_at, _TABLE.c.id)
        with self._store.read() as session:
            return [_listed(DriftRow(**row)) for row in session.connection().execute(query.limit(limit)).mappings()]

    def count_open(self) -> dict[DriftAction, int]:
        """Return how much drift of all merchants stands, by what is done about it; what is to be kept is left out."""
        action = case((_TABLE.c.answer == DriftAnswer.REPAIR.value, _REPAIR), else_=_TABLE.c.action)
        kept = and_(_TABLE.c.answer.is_not(None), _TABLE.c.answer == DriftAnswer.KEEP.value)
        query = select(action, func.count()).where(_TABLE.c.resolved_at.is_(None), ~kept).group_by(action)
        with self._store.read() as session:
            found = {DriftAction(action): count for action, count in session.connection().execute(query)}
        return {action: found.get(action, 0) for action in DriftAction}

    def _resolve(self, connection: Connection, audit: CompletedAudit) -> set[Identity]:
        """Close what is open no longer, or is to be treated otherwise by now; return what stays as it is."""
        found = {identity_of(drift): (drift, action) for drift, action in audit.found}
        ended, stays = set[str](), set[Identity]()
        for row in _lock_open(connection, audit):
            identity = row_identity(row.model_dump())
            if identity not in found:
                ended |= {row.id} if _is_ended(row, audit, found) else set()
            elif _stays(connection, row, audit, *found[identity]):
                stays.add(identity)
            else:
                ended.add(row.id)
        connection.execute(update(_TABLE).where(_TABLE.c.id.in_(ended)).values(resolved_at=audit.at))
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
        repairs = select(_TABLE.c.id).filter_by(merchant=merchant, action=_REPAIR, **place_columns(place))
        with self._store.read() as session:
            return len(session.connection().execute(repairs.where(_TABLE.c.found_at > after)).all())


def _lock_calendars(connection: Connection, merchant: str) -> None:
    """Have one audit or answer of the merchant at a time: what was dragged is seen in two of its calendars."""
    own = select(_MERCHANTS.c.id).where(_MERCHANTS.c.id == merchant)
    connection.execute(own.with_for_update(key_share=True)).all()


def _lock_open(connection: Connection, audit: CompletedAudit) -> list[DriftRow]:
    """Return what is open in the calendar, and in any about what was dragged to or from it, until the audit ends."""
    named = {drift.reservation for drift, _ in audit.found if drift.kind is DriftKind.MOVED_TO_CALENDAR}
    is_from = and_(_TABLE.c.event_kind == audit.owner.kind.value, _TABLE.c.event_owner_id == audit.owner.id)
    dragged = and_(_TABLE.c.drift == _DRAGGED, or_(is_from, _TABLE.c.reservation.in_(named)))
    own = (_TABLE.c.merchant == audit.merchant, _TABLE.c.resolved_at.is_(None))
    query = select(_TABLE).where(*own, or_(and_(*_is_owners(audit)), dragged)).order_by(_TABLE.c.id)
    return [DriftRow(**row) for row in connection.execute(query.with_for_update()).mappings()]


def _is_ended(row: DriftRow, audit: CompletedAudit, found: Collection[Identity]) -> bool:
    """Return whether drift that was not found again is there no more, as far as the audit can tell."""
    owner = (audit.owner.kind.value, audit.owner.id)
    if owner not in {(row.kind, row.owner_id), (row.event_kind, row.event_owner_id)}:
        return False
    place = place_of(row_identity(row.model_dump()))
    looked_at = {(*place_columns(each).values(),) for each in audit.right} | {place_of(each) for each in found}
    unknown = {(*place_columns(each).values(),) for each in audit.unknown}
    return row.reservation is None or place in looked_at or (audit.complete and place not in unknown)


def _stays(connection: Connection, row: DriftRow, audit: CompletedAudit, drift: Drift, action: DriftAction) -> bool:
    """Return whether drift that was found again is known, and treated already as it has to be."""
    if row.answer == DriftAnswer.KEEP.value:
        return (row.version, row.shape) == (drift.version, drift.shape)
    if _REPAIR in {row.answer, row.action}:
        if not is_waiting(connection, audit.merchant, row.reservation):
            return False  # it was put right, and has drifted again
        write_anew(connection, audit.merchant, audit.calendar_id, drift, audit.at)
        return True
    connection.execute(update(_TABLE).filter_by(id=row.id).values(**found_columns(drift)))
    return row.action == action.value


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
    return {
        "id": new.id,
        "merchant": audit.merchant,
        "kind": audit.owner.kind.value,
        "owner_id": audit.owner.id,
        "calendar_id": audit.calendar_id,
        "found_at": audit.at,
        **drift_columns(new.drift),
        "action": new.action.value,
    }


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


def _require_answerable(row: DriftRow, answer: DriftAnswer) -> None:
    """Check that this answer can be given.

    Raises:
        WrongState: nobody asks about it, or no more, or ours is being put back.
    """
    if row.action != DriftAction.ASK.value or row.resolved_at:
        raise WrongState("Only drift that is asked about and still stands is answered.")
    if row.answer == DriftAnswer.REPAIR.value != answer.value:
        raise WrongState("Ours is being put back already.")


def _describe_answer(row: DriftRow, before: str | None) -> AuditChange:
    answered = {"reservation": row.reservation, "drift": row.drift, "answer": row.answer}
    former = {"answer": before} if before else {}
    subject = f"{row.kind}:{row.owner_id}"
    return AuditChange(action=AuditAction.DRIFT_ANSWERED, subject=subject, before=former, after=answered)


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
