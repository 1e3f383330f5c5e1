"""Confirmations: what was asked about which time, and the answers with their evidence. All of it is encrypted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from slotsync.domain.availability.confirmation import Confirmation, Evidence, Verdict, unknown_confirmation
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import OwnerKind
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.messages import Message
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys, MerchantKey
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
from slotsync.store.erasures import require_not_erased
from slotsync.store.tables.availability import ConfirmationRow
from slotsync.store.tables.calendars import BlockingCalendarRow, OwnerRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConfirmationRow)
_BLOCKING = table_of(BlockingCalendarRow)
_CONNECTIONS = table_of(ConnectionRow)
_OWNERS = table_of(OwnerRow)


def _replace(insert: Insert) -> Insert:
    values = {name: insert.excluded[name] for name in ("answer", "checked_at", "evidence")}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values)


_PUT = Upsert(_TABLE, _replace)


_CHANGED: Final = "the calendars that block the product were changed while they were read"


class _StoredAnswer(Message):
    """The encrypted answer; former versions stored its evidence alone. It is not ``checked`` if nothing was read."""

    evidence: tuple[Evidence, ...]
    checked: bool = True
    answer: Verdict | None = None
    because: str = ""


class Confirmations:
    """Stores questions to Google and their answers, by the ids of the questions' parts."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def put_questions(self, key: ProductKey, questions: Mapping[str, Interval], now: datetime) -> None:
        """Record what is asked about a product of the merchant, who is known.

        Raises:
            Erased: the merchant is being erased, or was a short time ago.
        """
        with self._store.write() as connection:
            own = self._keys.for_writing(connection, key.merchant)
            rows = [
                _values(key, part, now)
                | {"question": own.encrypt(_TABLE.c.question, interval.model_dump_json(), id=part)}
                for part, interval in questions.items()
            ]
            connection.execute(insert(_TABLE), rows)  # locks the merchant: an erasure that begins waits
            require_not_erased(connection, key.merchant)

    def get_questions(self, parts: Sequence[str]) -> dict[str, Interval]:
        """Return the times that are asked about; without those that were forgotten."""
        query = select(_TABLE.c.id, _TABLE.c.merchant, _TABLE.c.question).where(_TABLE.c.id.in_(parts))
        with self._store.read() as session:
            return {
                part: Interval.model_validate_json(
                    self._keys.decrypt(session, cell(_TABLE.c.question, merchant, id=part), question)
                )
                for part, merchant, question in session.connection().execute(query).all()
                if question
            }

    def put(self, key: ProductKey, answers: Mapping[str, Confirmation], now: datetime) -> None:
        """Record answers; a repeated part has the last one.

        It is unknown if a calendar that was read does not block the product any more, since the merchant has taken it
        off meanwhile, or has disconnected: nothing is kept that shows when that calendar is busy.
        """
        with self._store.write() as connection:
            own = self._keys.for_writing(connection, key.merchant)
            names = self._find_names(connection, key)
            _put(connection, own, key, {part: _stored_answer(each, names) for part, each in answers.items()}, now)

    def put_evidence(self, key: ProductKey, answers: Mapping[str, Confirmation], now: datetime) -> None:
        """Record the evidence alone, of calendars that still block the product, for processes of former versions."""
        with self._store.write() as connection:
            own = self._keys.for_writing(connection, key.merchant)
            names = self._find_names(connection, key)
            found = {part: _StoredAnswer(evidence=_kept(each, names)) for part, each in answers.items()}
            _put(connection, own, key, {part: each for part, each in found.items() if each.evidence}, now)

    def _find_names(self, connection: Connection, key: ProductKey) -> set[str]:
        """Return the names of the calendars that block the product; none without a connection.

        A disconnection, another account, and another choice of calendars wait until the transaction has ended.
        """
        if not _is_connected(connection, key.merchant):
            return set()
        own = {"merchant": key.merchant, "kind": OwnerKind.PRODUCT.value}
        owner = select(_OWNERS.c.id).filter_by(**own, id=key.product)
        connection.execute(owner.with_for_update(read=True))
        blocking = {**own, "owner_id": key.product}
        found = connection.execute(select(_BLOCKING.c.place, _BLOCKING.c.name).filter_by(**blocking)).all()
        return {
            self._keys.decrypt(connection, cell(_BLOCKING.c.name, key.merchant, **blocking, place=place), name)
            for place, name in found
        }

    def get_answers(self, parts: Sequence[str]) -> dict[str, Confirmation]:
        """Return the answers by the ids of the parts; without those that Google has not answered yet."""
        query = select(_TABLE.c.id, _TABLE.c.merchant, _TABLE.c.checked_at, _TABLE.c.question, _TABLE.c.evidence)
        with self._store.read() as session:
            rows = session.connection().execute(query.where(_TABLE.c.id.in_(parts))).all()
            found = {part: unknown_confirmation(_CHANGED) for part, _, _, question, _ in rows if not question}
            for part, merchant, checked_at, _, evidence in rows:
                if evidence:
                    text = self._keys.decrypt(session, cell(_TABLE.c.evidence, merchant, id=part), evidence)
                    found[part] = _read_answer(text, checked_at)
        return found


def _put(
    connection: Connection, own: MerchantKey, key: ProductKey, answers: Mapping[str, _StoredAnswer], now: datetime
) -> None:
    rows = [
        _values(key, part, now)
        | {"evidence": own.encrypt(_TABLE.c.evidence, each.model_dump_json(exclude_defaults=True), id=part)}
        for part, each in answers.items()
    ]
    if rows:
        _PUT.run_all(connection, rows)


def _values(key: ProductKey, part: str, now: datetime) -> dict[str, object]:
    return {"id": part, "merchant": key.merchant, "product": key.product, "answer": "", "checked_at": now}


def _kept(confirmation: Confirmation, names: Iterable[str]) -> tuple[Evidence, ...]:
    return tuple(each for each in confirmation.evidence if each.calendar in names)


def _stored_answer(confirmation: Confirmation, names: Iterable[str]) -> _StoredAnswer:
    kept = _kept(confirmation, names)
    if len(kept) < len(confirmation.evidence):
        return _StoredAnswer(answer=Verdict.UNKNOWN, because=_CHANGED, evidence=kept)
    checked = confirmation.checked_at is not None
    return _StoredAnswer(answer=confirmation.answer, because=confirmation.because, evidence=kept, checked=checked)


def _read_answer(text: str, checked_at: datetime) -> Confirmation:
    stored = _StoredAnswer.model_validate_json(text)
    answer = stored.answer or Verdict.UNKNOWN  # of a former version
    at = checked_at if stored.checked else None
    return Confirmation(answer=answer, checked_at=at, because=stored.because, evidence=stored.evidence)


def _is_connected(connection: Connection, merchant: str) -> bool:
    """Return whether the merchant is connected."""
    active = select(_CONNECTIONS.c.id).filter_by(merchant=merchant, state=ConnectionState.ACTIVE.value)
    return connection.execute(active.with_for_update(read=True)).first() is not None


def forget_evidence(connection: Connection, merchant: str, product: str | None = None) -> None:
    """Forget what was asked about the calendars of the merchant, or of one product, and what they answered."""
    own = {"merchant": merchant} if product is None else {"merchant": merchant, "product": product}
    connection.execute(update(_TABLE).filter_by(**own).values(question=None, evidence=None))
