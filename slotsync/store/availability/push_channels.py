"""Push channels, and the notifications that come through them."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Select, delete, insert, select, update

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import Channel, NewChannel, notification_time
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import (
    filter_push_refused,
    mark_changed,
    mark_push_refused,
    raise_notified_at,
)
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.availability import PushChannelRow, WatchedCalendarRow

_TABLE = table_of(PushChannelRow)
_CALENDARS = table_of(WatchedCalendarRow)
_NOTIFIED_AT = _CALENDARS.c.rung_at.label("notified_at")  # stored name
_CALENDAR = _TABLE.c.watched_id == _CALENDARS.c.id
_KNOWN = (_TABLE.c.id, _TABLE.c.asked_at, _TABLE.c.resource_id, _TABLE.c.expires_at)

CHANNEL_TOKEN_BYTES = 32


class PushChannels:
    """Stores the channels of watched calendars, their tokens encrypted, and records notifications."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def prepare(self, watched_id: str) -> NewChannel:
        """Return a new channel to open. It is recorded now, since Google may send a notification before it answers."""
        new = NewChannel(id=uuid4().hex, token=secrets.token_urlsafe(CHANNEL_TOKEN_BYTES))
        row = {
            "id": new.id,
            "watched_id": watched_id,
            "token": self._vault.encrypt(new.token),
            "asked_at": self._clock(),
        }
        with self._store.write() as connection:
            connection.execute(insert(_TABLE).values(**row))
        return new

    def record_opening(self, channel_id: str, resource_id: str, expires_at: datetime) -> None:
        """Record Google's answer: the channel is open until it expires."""
        own = update(_TABLE).where(_TABLE.c.id == channel_id)
        with self._store.write() as connection:
            connection.execute(own.values(resource_id=resource_id, expires_at=expires_at))

    def forget(self, channel_id: str) -> None:
        """Delete the channel; later notifications through it are ignored."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == channel_id))

    def get_channels(self, watched_ids: Collection[str]) -> dict[str, list[Channel]]:
        """Return the channels of these watched calendars, by their ids; calendars without a channel are left out."""
        query = select(_TABLE.c.watched_id, *_KNOWN).where(_TABLE.c.watched_id.in_(watched_ids))
        found: dict[str, list[Channel]] = {}
        with self._store.read() as session:
            for row in session.execute(query).mappings():
                channel = {name: value for name, value in row.items() if name != "watched_id"}
                found.setdefault(row["watched_id"], []).append(Channel.model_validate(channel))
        return found

    def get_connection_channels(self, connection_id: str) -> list[Channel]:
        """Return all channels of the connection's calendars."""
        own = select(*_KNOWN).join(_CALENDARS, _CALENDAR).where(_CALENDARS.c.connection_id == connection_id)
        with self._store.read() as session:
            return [Channel.model_validate(dict(row)) for row in session.execute(own).mappings()]

    def record_refusal(self, watched_id: str) -> None:
        """Record that Google will never send notifications of this calendar."""
        with self._store.write() as connection:
            mark_push_refused(connection, watched_id)

    def get_refused(self, watched_ids: Collection[str]) -> set[str]:
        """Return the ids of those watched calendars of which Google will never send notifications."""
        with self._store.read() as session:
            return filter_push_refused(session, watched_ids)

    def record_notification(self, channel_id: str, token: str, now: datetime) -> bool:
        """Return whether this is the channel's own token; if so, record that the calendar has to be read.

        At most one notification a second is recorded; the others cost one read.
        """
        with self._store.read() as session:
            row = session.execute(_select_target(channel_id)).one_or_none()
        if row is None or not secrets.compare_digest(self._vault.decrypt(row.token).encode(), token.encode()):
            return False
        notified_at = notification_time(row.notified_at, now)
        if notified_at:
            with self._store.write() as connection:
                raise_notified_at(connection, row.watched_id, notified_at)
                mark_changed(connection, row.connection_id, now)
        return True


def _select_target(channel_id: str) -> Select[tuple[str, str, datetime | None, str]]:
    columns = (_TABLE.c.watched_id, _TABLE.c.token, _NOTIFIED_AT, _CALENDARS.c.connection_id)
    return select(*columns).join(_CALENDARS, _CALENDAR).where(_TABLE.c.id == channel_id)
