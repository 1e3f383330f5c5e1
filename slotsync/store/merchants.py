"""Merchants: recorded once something is stored for them, with their switch for synchronization."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Update, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, select

from slotsync.domain.audit import WHOLE_MERCHANT, AuditAction, AuditChange, describe_change, describe_merchant
from slotsync.domain.calendars.choices import Chooser, is_removal, merchants_part
from slotsync.domain.calendars.owner import OwnerDefaults, Switch
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.merchant import MERCHANTS_DETAILS, MerchantChoices, MerchantDetails, OnDrift
from slotsync.errors import MerchantsChoice, Undecryptable
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.database.cells import cell
from slotsync.store.database.engine import Store, read_clock
from slotsync.store.erasures import require_not_erased
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(MerchantRow)
_CONNECTIONS = table_of(ConnectionRow)
_DETAILS = {*MerchantDetails.model_fields}
_ENSURE = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing())
_FORMER_LIFE: Final = timedelta(hours=1)
"""Links and visits from before an erasure are older than this when the merchant is recorded again, and never work."""


class Merchants:
    """Stores the merchants and their switches. With ``audit`` it stands there who changes what is known of them."""

    def __init__(self, store: Store, vault: Vault, audit: AuditLog | None = None) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._audit = audit

    def is_synced(self, merchant: str) -> bool:
        """Return whether the merchant as a whole is synchronized; true for an unknown merchant."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return row is None or row.sync

    def is_overridden(self, merchant: str) -> bool:
        """Return whether the platform has switched the merchant as a whole against the merchant's own choice."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return row is not None and row.sync_overridden

    def get(self, merchant: str) -> MerchantDetails | None:
        """Return what the platform says of the merchant, or None if nothing is stored for it."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return self._read(session, row.model_dump()) if row else None

    def get_choices(self, merchant: str) -> MerchantChoices | None:
        """Return what is known of the merchant and what it has chosen itself, or None if nothing is stored for it."""
        with self._store.read() as session:
            row = session.get(MerchantRow, merchant)
            return self._read_choices(session, row.model_dump()) if row else None

    def put(
        self,
        merchant: str,
        details: MerchantDetails,
        chooser: Chooser = Chooser.PLATFORM,
        *,
        override: bool = False,
    ) -> None:
        """Record the merchant, or change what is known of it.

        What the merchant has chosen itself the platform changes only with ``override``. With a new address its
        connection is due, since an e-mail may have waited for that.
        """
        now = self._store.now()
        with self._store.write() as connection:
            ensure_merchant(connection, merchant)
            if details.given:
                self._change(connection, merchant, details, chooser, now, override=override)
            if details.email:
                connection.execute(_of_refused_grant(merchant).values(due_at=now))

    def _change(  # noqa: PLR0913  the merchant, and who changes what of it
        self,
        connection: Connection,
        merchant: str,
        changes: MerchantDetails,
        chooser: Chooser,
        now: datetime,
        *,
        override: bool,
    ) -> None:
        own = self._keys.for_writing(connection, merchant) if changes.email else None
        before = self._read_choices(connection, _lock(connection, merchant))
        after = before.change(changes, chooser, override=override)
        columns = {name: getattr(after.details, name) for name in changes.given}
        if own and changes.email:
            columns["email"] = own.encrypt(_TABLE.c.email, changes.email, id=merchant)
        if "defaults" in columns:
            columns["defaults"] = after.details.defaults.write() if after.details.defaults else None
        connection.execute(update(_TABLE).filter_by(id=merchant).values(**columns, **_choice_columns(after)))
        overridden = tuple(sorted(after.overridden - before.overridden))
        change = describe_merchant(before.details, after.details, overridden)
        if self._audit and change:
            self._audit.record(connection, merchant, change, now)

    def _read_choices(self, database: Connection | Session, row: Mapping[str, Any]) -> MerchantChoices:
        """Return what is known of the merchant of a row, with its own choices."""
        chosen, overridden = (
            frozenset(name for name in MERCHANTS_DETAILS if row[f"{name}_{kind}"]) for kind in ("chosen", "overridden")
        )
        details = self._read(database, row)
        return MerchantChoices.model_construct(details=details, chosen=chosen, overridden=overridden)

    def _read(self, database: Connection | Session, row: Mapping[str, Any]) -> MerchantDetails:
        """Return what the platform says of the merchant of a row. It is not checked anew: limits may have changed."""
        stored = {name: row[name] for name in _DETAILS}
        email = self._read_email(database, row["id"], row["email"])
        drift = OnDrift(row["on_drift"]) if row["on_drift"] else None
        return MerchantDetails.model_construct(
            **stored | {"email": email, "defaults": OwnerDefaults.read(row["defaults"]), "on_drift": drift}
        )

    def _read_email(self, database: Connection | Session, merchant: str, encrypted: str | None) -> str | None:
        """Return the address, or None if there is none, or if no key opens it."""
        with suppress(Undecryptable):
            return self._keys.decrypt(database, cell(_TABLE.c.email, merchant, id=merchant), encrypted or "")
        return None

    def end_visits(self, merchant: str) -> bool:
        """End all visits of the merchant's settings page; return false if the merchant is unknown."""
        with self._store.write() as connection:
            own = select_columns(_TABLE.c.id).filter_by(id=merchant).with_for_update(key_share=True)
            if connection.execute(own).first() is None:
                return False
            now = read_clock(connection)  # by which all machines compare, once no visit begins any more
            connection.execute(update(_TABLE).filter_by(id=merchant).values(visits_ended_at=now))
            if self._audit:
                ended = AuditChange(action=AuditAction.VISITS_ENDED, subject=WHOLE_MERCHANT)
                self._audit.record(connection, merchant, ended, now)
        return True

    def get_ids(self) -> list[str]:
        """Return the ids of all merchants, in order."""
        with self._store.read() as session:
            return list(session.exec(select(MerchantRow.id).order_by(MerchantRow.id)))


def _choice_columns(choices: MerchantChoices) -> dict[str, bool]:
    """Return the columns that say which details the merchant has chosen, and which were changed against that."""
    chosen = {f"{name}_chosen": name in choices.chosen for name in MERCHANTS_DETAILS}
    return chosen | {f"{name}_overridden": name in choices.overridden for name in MERCHANTS_DETAILS}


def _of_refused_grant(merchant: str) -> Update:
    refused = (_CONNECTIONS.c.state == ConnectionState.REVOKED.value, _CONNECTIONS.c.stopped_at.is_(None))
    return update(_CONNECTIONS).where(_CONNECTIONS.c.merchant == merchant, *refused)


def switch_merchant(
    connection: Connection, merchant: str, switch: Switch, chooser: Chooser, *, override: bool = False
) -> AuditChange | None:
    """Switch synchronization of the whole merchant, within a transaction; return the change, None if there is none.

    Raises:
        MerchantsChoice: the merchant has switched it the other way, and there is no ``override``.
    """
    ensure_merchant(connection, merchant)
    row = _lock(connection, merchant)
    by_merchant = chooser is Chooser.MERCHANT
    removal = is_removal(switch, off=not row["sync"], removing=row["remove_events"])
    against = row["sync_chosen"] and (row["sync"] is not switch.sync or removal) and not by_merchant
    if against and not override:
        raise MerchantsChoice("the whole merchant")
    chosen = {
        "sync_chosen": by_merchant or (row["sync_chosen"] and not against),
        "sync_overridden": not by_merchant and (row["sync_overridden"] or against),
    }
    after = switch.model_dump(exclude=merchants_part({"sync"} if chosen["sync_chosen"] else (), chooser))
    connection.execute(update(_TABLE).filter_by(id=merchant).values(**after, **chosen))
    overridden = ("sync",) if against else ()
    return describe_change(AuditAction.SETTINGS_CHANGED, WHOLE_MERCHANT, row, after, overridden)


def _lock(connection: Connection, merchant: str) -> dict[str, Any]:
    """Return the merchant's row, which nobody else changes until the transaction ends."""
    own = select_columns(_TABLE).filter_by(id=merchant).with_for_update(key_share=True)
    return dict(connection.execute(own).mappings().one())


def get_on_drift(database: Connection | Session, merchant: str) -> OnDrift:
    """Return what the merchant wants to be done about drift."""
    chosen = database.execute(select_columns(_TABLE.c.on_drift).filter_by(id=merchant)).scalar_one_or_none()
    return OnDrift(chosen) if chosen else OnDrift.REPAIR


def get_defaults(connection: Connection, merchant: str) -> OwnerDefaults:
    """Return the platform's defaults for new products and resources of a merchant that is recorded."""
    return OwnerDefaults.read(connection.execute(select_columns(_TABLE.c.defaults).filter_by(id=merchant)).scalar_one())


def is_merchant_synced(merchant: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that this merchant as a whole is synchronized."""
    return merchant.in_(select(MerchantRow.id).where(_TABLE.c.sync))


def find_merchant(database: Connection | Session, connection_id: str) -> str | None:
    """Return the merchant of the connection, or None if it is unknown."""
    return database.execute(select_columns(_CONNECTIONS.c.merchant).filter_by(id=connection_id)).scalar_one_or_none()


def ensure_merchant(connection: Connection, merchant: str, reservation: str = "") -> None:
    """Record the merchant if it is not recorded yet, so that others can store something of it, or of the reservation.

    Raises:
        Erased: it is being erased, or was a short time ago.
    """
    _hold(connection, merchant)
    require_not_erased(connection, merchant, reservation)


def ensure_merchant_at_work(connection: Connection, merchant: str) -> None:
    """Record the merchant for what slotsync itself has to store, also while an erasure waits for Google.

    Raises:
        Erased: its rows are being deleted, or were a short time ago.
    """
    _hold(connection, merchant)
    require_not_erased(connection, merchant, waiting_too=False)


def _hold(connection: Connection, merchant: str) -> None:
    """Record the merchant if necessary, and lock its row: until the transaction ends, no erasure of it begins."""
    own = select_columns(_TABLE.c.id).filter_by(id=merchant).with_for_update(read=True, key_share=True)
    while connection.execute(own).first() is None:
        _ENSURE.run(connection, id=merchant, visits_ended_at=read_clock(connection) - _FORMER_LIFE)
