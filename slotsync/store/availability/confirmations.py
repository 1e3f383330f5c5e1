"""Confirmations: the answers to whether a time can be booked, with their evidence."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from slotsync.domain.availability.confirmation import Confirmation, Evidence
from slotsync.domain.availability.messages import ConfirmRequest
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.messages import Message
from slotsync.secrets import Vault
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.availability import ConfirmationRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(ConfirmationRow)
_CONNECTIONS = table_of(ConnectionRow)


def _replace(insert: Insert) -> Insert:
    values = {name: insert.excluded[name] for name in ("answer", "checked_at", "evidence")}
    return insert.on_conflict_do_update(index_elements=_TABLE.primary_key, set_=values)


_PUT = Upsert(_TABLE, _replace)


class _StoredEvidence(Message):
    """The encrypted part of a confirmation."""

    evidence: tuple[Evidence, ...]


class Confirmations:
    """Stores confirmations for which Google was asked; the evidence encrypted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def put(self, request: ConfirmRequest, confirmation: Confirmation, now: datetime) -> None:
        """Record the answer to a question; a repeated question has the last one.

        The evidence of a merchant that disconnects meanwhile is not kept.
        """
        evidence = _StoredEvidence(evidence=confirmation.evidence)
        with self._store.write() as connection:
            kept = _is_connected(connection, request.merchant)
            _PUT.run(
                connection,
                id=request.id,
                merchant=request.merchant,
                product=request.product,
                answer=confirmation.answer.value,
                checked_at=now,
                evidence=self._vault.encrypt(evidence.model_dump_json()) if kept else None,
            )

    def get_evidence(self, confirmation_id: str) -> tuple[Evidence, ...]:
        """Return the evidence of an answer; none if Google was not asked, or if it was forgotten."""
        with self._store.read() as session:
            encrypted = (
                session.connection()
                .execute(select(_TABLE.c.evidence).filter_by(id=confirmation_id))
                .scalar_one_or_none()
            )
        return _StoredEvidence.model_validate_json(self._vault.decrypt(encrypted)).evidence if encrypted else ()


def _is_connected(connection: Connection, merchant: str) -> bool:
    """Return whether the merchant is connected; a disconnection waits until the transaction has ended."""
    active = select(_CONNECTIONS.c.id).filter_by(merchant=merchant, state=ConnectionState.ACTIVE.value)
    return connection.execute(active.with_for_update(read=True)).first() is not None


def forget_evidence(connection: Connection, merchant: str) -> None:
    """Forget what the merchant's calendars contained when they were asked; the answers are kept."""
    connection.execute(update(_TABLE).where(_TABLE.c.merchant == merchant).values(evidence=None))
