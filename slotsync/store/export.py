"""Export of everything that is stored of a merchant, decrypted, without secrets that give access to something."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Column, Table, select, tuple_

from slotsync.errors import Undecryptable
from slotsync.secrets import Vault
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import ENCRYPTED
from slotsync.store.database.cells import Cell, cell_of
from slotsync.store.database.engine import Store
from slotsync.store.erasures import rows_of_merchant
from slotsync.store.tables import METADATA

EXPORTED: Final = (
    "merchant",
    "owner",
    "managed_calendar",
    "former_calendar",
    "calendar_permit",
    "merchant_switch",
    "connection",
    "pending_consent",
    "blocking_calendar",
    "watched_account",
    "watched_calendar",
    "push_channel",
    "busy_reading",
    "watched_product",
    "published_availability",
    "subscriber",
    "confirmation",
    "webhook_message",
    "webhook_attempt",
    "reservation",
    "synced_event",
    "left_event",
    "booked_time",
    "conflict",
    "drift",
    "audit_entry",
)
"""The tables that are exported, in this order. One that is not named here is not: it may hold secrets."""

LEFT_OUT: Final = frozenset(
    {
        *("connection.refresh_token", "connection.access_token", "connection.lease_holder"),
        *("pending_consent.key_hash", "pending_consent.browser_hash", "pending_consent.secret"),
        *("managed_calendar.sync_token", "push_channel.token", "watched_account.lease_holder"),
    }
)
"""The columns that give access to something, or only name processes."""

_PLAIN_JSON: Final = frozenset({"merchant.defaults"})
"""The columns that hold JSON as it is; what is encrypted may be JSON, too."""

_MAX_ROWS_PER_PAGE: Final = 500


class Export:
    """Reads everything that is stored of a merchant."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def iterate(self, merchant: str) -> Iterator[dict[str, Any]]:
        """Yield each row as values of JSON: its ``table``, then its columns; what was JSON, as such.

        A text that no key opens is null, and named in ``unreadable``. Rows are read page by page: what changes
        meanwhile is there as before or as after.
        """
        for name in EXPORTED:
            for row in self._rows(METADATA.tables[name], merchant):
                yield self._line(METADATA.tables[name], merchant, row)

    def _rows(self, table: Table, merchant: str) -> Iterator[Mapping[str, Any]]:
        own = rows_of_merchant(table, merchant)
        assert own is not None
        key = tuple_(*table.primary_key.columns)
        query = select(table).where(own).order_by(*table.primary_key.columns).limit(_MAX_ROWS_PER_PAGE)
        page = self._page(query)
        while page:
            yield from page
            last = [page[-1][column.name] for column in table.primary_key.columns]
            page = self._page(query.where(key > tuple_(*last)))

    def _page(self, query: Any) -> list[Mapping[str, Any]]:
        with self._store.read() as session:
            return [dict(row) for row in session.connection().execute(query).mappings()]

    def _line(self, table: Table, merchant: str, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = [each for each in table.columns if f"{table.name}.{each.name}" not in LEFT_OUT]
        values = {each.name: row[each.name] for each in columns}
        values |= {
            each.name: _parsed(row[each.name] or "") or None
            for each in columns
            if f"{table.name}.{each.name}" in _PLAIN_JSON
        }
        values |= {
            each.name: self._read(cell_of(each, merchant, row), row[each.name])
            for each in columns
            if _is_encrypted(each)
        }
        unreadable = [name for name, value in values.items() if value is None and row[name] is not None]
        return {"table": table.name, **values} | ({"unreadable": unreadable} if unreadable else {})

    def _read(self, place: Cell, encrypted: str | None) -> Any:
        """Return what is encrypted, or None if there is nothing, or if no key opens it."""
        if encrypted is None:
            return None
        try:
            with self._store.read() as session:
                return _parsed(self._keys.decrypt(session, place, encrypted))
        except Undecryptable:
            return None


def _is_encrypted(column: "Column[Any]") -> bool:
    return bool(column.info.get(ENCRYPTED))


def write_line(line: Mapping[str, Any]) -> str:
    """Return a line as JSON; times are ISO 8601, in UTC."""
    return json.dumps(line, ensure_ascii=False, default=lambda moment: moment.isoformat())


def _parsed(text: str) -> Any:
    """Return the value of a text that is a JSON object or array, else the text itself."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
