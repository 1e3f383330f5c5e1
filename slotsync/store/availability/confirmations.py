"""Confirmations: the answers to whether a time can be booked, with their evidence."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from slotsync.domain.availability.confirmation import Confirmation, Evidence, combine_evidence
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import OwnerKind
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.messages import Message
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store
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


class _StoredEvidence(Message):
    """The encrypted part of a confirmation."""

    evidence: tuple[Evidence, ...]


class Confirmations:
    """Stores confirmations for which Google was asked; the evidence encrypted."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def put(self, key: ProductKey, confirmations: Mapping[str, Confirmation], now: datetime) -> None:
        """Record answers by the ids of the parts of their questions; a repeated part has the last answer.

        Evidence is kept of the calendars that still block the product: not of those that the merchant has taken off
        meanwhile, nor of those of an account that is not connected any more.
        """
        with self._store.write() as connection:
            own = self._keys.for_writing(connection, key.merchant)
            names = self._find_names(connection, key)
            for part, confirmation in confirmations.items():
                kept = tuple(each for each in confirmation.evidence if each.calendar in names)
                evidence = _StoredEvidence(evidence=kept).model_dump_json()
                _PUT.run(
                    connection,
                    id=part,
                    merchant=key.merchant,
                    product=key.product,
                    answer=confirmation.answer.value,
                    checked_at=now,
                    evidence=own.encrypt(_TABLE.c.evidence, evidence, id=part) if kept else None,
                )

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

    def get_evidence(self, parts: Sequence[str]) -> tuple[Evidence, ...]:
        """Return the evidence for all parts of a question; none if Google was not asked, or if it was forgotten."""
        query = select(_TABLE.c.id, _TABLE.c.merchant, _TABLE.c.evidence).where(_TABLE.c.id.in_(parts))
        with self._store.read() as session:
            found = session.connection().execute(query.order_by(_TABLE.c.id)).all()
            stored = [
                self._keys.decrypt(session, cell(_TABLE.c.evidence, merchant, id=part), evidence)
                for part, merchant, evidence in found
                if evidence
            ]
        return combine_evidence([_StoredEvidence.model_validate_json(each).evidence for each in stored])


def _is_connected(connection: Connection, merchant: str) -> bool:
    """Return whether the merchant is connected."""
    active = select(_CONNECTIONS.c.id).filter_by(merchant=merchant, state=ConnectionState.ACTIVE.value)
    return connection.execute(active.with_for_update(read=True)).first() is not None


def forget_evidence(connection: Connection, merchant: str, product: str | None = None) -> None:
    """Forget what the calendars of the merchant, or of one product, contained when they were asked.

    The answers are kept.
    """
    own = {"merchant": merchant} if product is None else {"merchant": merchant, "product": product}
    connection.execute(update(_TABLE).filter_by(**own).values(evidence=None))
