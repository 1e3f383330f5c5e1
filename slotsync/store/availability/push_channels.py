"""Push channels, and notifications that came by them."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import Channel, NewChannel, notification_time
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import mark_changed
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.availability import PushChannelRow, WatchedCalendarRow

_TABLE = table_of(PushChannelRow)
_CALENDARS = table_of(WatchedCalendarRow)
_CALENDAR = _TABLE.c.watched_id == _CALENDARS.c.id
_KNOWN = (_TABLE.c.id, _TABLE.c.asked_at, _TABLE.c.resource_id, _TABLE.c.expires_at)

TOKEN_BYTES = 32


class PushChannels:
    """Keeps the channels of watched calendars, their tokens sealed, and notes when one rings."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def prepare(self, watched_id: str) -> NewChannel:
        """A channel to open. It is known from now on, since Google may ring before it answers."""
        new = NewChannel(id=uuid4().hex, token=secrets.token_urlsafe(TOKEN_BYTES))
        row = {
            "id": new.id,
            "watched_id": watched_id,
            "token": self._vault.encrypt(new.token),
            "asked_at": self._clock(),
        }
        with self._store.write() as connection:
            connection.execute(insert(_TABLE).values(**row))
        return new

    def opened(self, channel_id: str, resource_id: str, expires_at: datetime) -> None:
        """Notes what Google answered."""
        answered = update(_TABLE).where(_TABLE.c.id == channel_id)
        with self._store.write() as connection:
            connection.execute(answered.values(resource_id=resource_id, expires_at=expires_at))

    def forget(self, channel_id: str) -> None:
        """Forgets the channel; whatever still comes through it is ignored."""
        with self._store.write() as connection:
            connection.execute(delete(_TABLE).where(_TABLE.c.id == channel_id))

    def of(self, watched_ids: Collection[str]) -> dict[str, list[Channel]]:
        """The channels of these calendars; nothing of one that has none."""
        query = select(_TABLE.c.watched_id, *_KNOWN).where(_TABLE.c.watched_id.in_(watched_ids))
        found: dict[str, list[Channel]] = {}
        with self._store.read() as session:
            for row in session.execute(query).mappings():
                channel = {name: value for name, value in row.items() if name != "watched_id"}
                found.setdefault(row["watched_id"], []).append(Channel.model_validate(channel))
        return found

    def of_connection(self, connection_id: str) -> list[Channel]:
        """All channels on calendars of this connection."""
        mine = select(*_KNOWN).join(_CALENDARS, _CALENDAR).where(_CALENDARS.c.connection_id == connection_id)
        with self._store.read() as session:
            return [Channel.model_validate(dict(row)) for row in session.execute(mine).mappings()]

    def refuse(self, watched_id: str) -> None:
        """Notes that Google will never tell of changes in this calendar."""
        refused = update(_CALENDARS).where(_CALENDARS.c.id == watched_id)
        with self._store.write() as connection:
            connection.execute(refused.values(push_refused=True))

    def refused(self, watched_ids: Collection[str]) -> set[str]:
        """Those of these calendars in which Google will never tell of changes."""
        query = select(_CALENDARS.c.id).where(_CALENDARS.c.id.in_(watched_ids), _CALENDARS.c.push_refused)
        with self._store.read() as session:
            return {*session.execute(query).scalars()}

    def record_notification(self, channel_id: str, token: str, now: datetime) -> bool:
        """Whether this is a channel's own token; if so, it is noted that the calendar has to be read.

        Of a storm only a ring a second is noted, and the others are read over.
        """
        with self._store.read() as session:
            row = session.execute(_rung(channel_id)).one_or_none()
        if row is None or not secrets.compare_digest(self._vault.decrypt(row.token).encode(), token.encode()):
            return False
        noted_at = notification_time(row.rung_at, now)
        if noted_at:
            with self._store.write() as connection:
                _note(connection, row.watched_id, row.connection_id, noted_at, now)
        return True


def _rung(channel_id: str) -> Select[tuple[str, str, datetime | None, str]]:
    columns = (_TABLE.c.watched_id, _TABLE.c.token, _CALENDARS.c.rung_at, _CALENDARS.c.connection_id)
    return select(*columns).join(_CALENDARS, _CALENDAR).where(_TABLE.c.id == channel_id)


def _note(connection: Connection, watched_id: str, connection_id: str, noted_at: datetime, now: datetime) -> None:
    earlier = or_(_CALENDARS.c.rung_at.is_(None), _CALENDARS.c.rung_at < noted_at)
    connection.execute(update(_CALENDARS).where(_CALENDARS.c.id == watched_id, earlier).values(rung_at=noted_at))
    mark_changed(connection, connection_id, now)
