"""The audit log: who changed what of a merchant, from where. Entries are added, and neither changed nor deleted."""

import getpass
import socket
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select
from sqlmodel import Session

from slotsync.domain.audit import (
    OPERATOR,
    WHOLE_MERCHANT,
    Actor,
    ActorKind,
    AuditAction,
    AuditChange,
    AuditDetail,
    AuditEntry,
)
from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.cells import INSTANCE, Cell, cell
from slotsync.store.database.due_rows import Key, Record
from slotsync.store.database.engine import Store
from slotsync.store.tables.audit import AuditEntryRow

_TABLE = table_of(AuditEntryRow)
_CONTENT = _TABLE.c.content
_ADD = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing().returning(_TABLE.c.number))
_ACTOR: ContextVar[Actor | None] = ContextVar("slotsync_actor", default=None)


def act_as(actor: Actor) -> None:
    """Set the actor of what this task, and the threads that it waits for, change from now on."""
    _ACTOR.set(actor)


def current_actor() -> Actor:
    """Return the actor of this task: the one that was set, or else the user of this program, on its machine."""
    return _ACTOR.get() or _this_program()


@cache
def _this_program() -> Actor:
    name = ""
    with suppress(OSError, KeyError, ImportError):  # a user without a name, as in a container
        name = getpass.getuser()
    return Actor(kind=ActorKind.PROGRAM, name=name, address=socket.gethostname())


class AuditLog:
    """Stores the entries, encrypted, in the transactions of the changes that they tell of."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def record(
        self, connection: Connection, merchant: str, change: AuditChange, now: datetime, actor: Actor | None = None
    ) -> None:
        """Record a change within its transaction, as its last statement; without ``actor`` by the present one.

        The last, because two transactions of one merchant wait for each other here: one that then waited for a row of
        the other would wait for ever. So numbers have no gaps, and none appears after a higher one.
        That a merchant is erased is encrypted with the instance's key: its own is deleted, and who did it stays known.
        """
        detail = AuditDetail(by=actor or current_actor(), **change.model_dump(exclude={"action"}))
        last = select(func.coalesce(func.max(_TABLE.c.number), 0)).where(_TABLE.c.merchant == merchant)
        recorded = None
        while recorded is None:  # until nobody else has taken the number
            number = connection.execute(last).scalar_one() + 1
            content = self._encrypt(
                connection, _key_owner(merchant, change), cell(_CONTENT, merchant, number=number), detail
            )
            entry = {"merchant": merchant, "number": number, "at": now, "action": change.action.value}
            recorded = _ADD.run(connection, **entry, content=content)

    def list_entries(self, merchant: str, limit: int, after: int = 0) -> list[AuditEntry]:
        """Return the merchant's next entries after this number, the oldest first."""
        return self._list(merchant, limit, _TABLE.c.number > after, _TABLE.c.number)

    def list_newest(self, merchant: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Return the merchant's last entries, or those before this number, the newest first."""
        wanted = _TABLE.c.number < before if before is not None else _TABLE.c.number > 0
        return self._list(merchant, limit, wanted, _TABLE.c.number.desc())

    def _list(
        self, merchant: str, limit: int, wanted: ColumnElement[bool], order: ColumnElement[int]
    ) -> list[AuditEntry]:
        query = select(*_TABLE.c).where(_TABLE.c.merchant == merchant, wanted).order_by(order).limit(limit)
        with self._store.read() as session:
            rows = session.connection().execute(query).all()
            return [
                AuditEntry(number=row.number, at=row.at, action=row.action, detail=self._read(session, row))
                for row in rows
            ]

    def _encrypt(self, connection: Connection, key_owner: str, place: Cell, detail: AuditDetail) -> str | None:
        """Return the encrypted detail, or None if no key opens its owner's: that holds up no change.

        Raises:
            Undecryptable: the owner has no key yet, and this process has other keys than the others.
        """
        own = self._keys.for_writing(connection, key_owner)
        with suppress(Undecryptable):
            return own.encrypt_cell(place, detail.model_dump_json())
        return None

    def _read(self, session: Session, row: Row[Any]) -> AuditDetail | None:
        with suppress(Undecryptable):
            place = cell(_CONTENT, row.merchant, number=row.number)
            return AuditDetail.model_validate_json(self._keys.decrypt(session, place, row.content or ""))
        return None


def _key_owner(merchant: str, change: AuditChange) -> str:
    erased = change.action is AuditAction.ERASED and change.subject == WHOLE_MERCHANT
    return INSTANCE if erased else merchant


def record_stop(audit: AuditLog | None, kind: str, now: datetime) -> Record | None:
    """Return a function that records that an operator has stopped a row's workflow, or None without an audit log.

    The row's key begins with the merchant; the subject is ``kind`` with the rest of the key.
    """
    return _recorder(audit, AuditAction.WORK_STOPPED, kind, now, OPERATOR)


def record_resumption(audit: AuditLog | None, kind: str, now: datetime) -> Record | None:
    """Return a function that records that a row's workflow goes on, or None without an audit log."""
    return _recorder(audit, AuditAction.WORK_RESUMED, kind, now)


def record_resumptions(
    connection: Connection, audit: AuditLog | None, kind: str, keys: Iterable[Key], now: datetime
) -> None:
    """Record that the workflows of these rows go on, as the last statements of the transaction that changes the rows.

    Whatever is wanted anew ends a stop.
    """
    if record := record_resumption(audit, kind, now):
        for key in keys:
            record(connection, key)


def _recorder(
    audit: AuditLog | None, action: AuditAction, kind: str, now: datetime, actor: Actor | None = None
) -> Record | None:
    if audit is None:
        return None

    def record(connection: Connection, key: Key) -> None:
        merchant, *rest = key
        change = AuditChange(action=action, subject=":".join((kind, *rest)))
        audit.record(connection, merchant, change, now, actor)

    return record
