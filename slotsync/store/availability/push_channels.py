"""Push channels, and the notifications that come through them."""

import secrets
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Select, case, delete, exists, func, insert, or_, select, update

from slotsync.clock import utc_now
from slotsync.domain.availability.push_channels import (
    MAX_NOTIFICATION_DELAY,
    Channel,
    ChannelState,
    NewChannel,
    notification_time,
)
from slotsync.domain.connections.connection import EVENTS_FREEBUSY, ConnectionState, missing_scopes
from slotsync.secrets import Vault
from slotsync.store.availability.watched_accounts import (
    filter_push_refused,
    mark_all_changed,
    mark_changed,
    mark_push_refused,
    raise_notified_at,
)
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import table_of
from slotsync.store.database.cells import cell, merchant_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.availability import PushChannelRow, WatchedCalendarRow
from slotsync.store.tables.connections import ConnectionRow

_TABLE = table_of(PushChannelRow)
_CALENDARS = table_of(WatchedCalendarRow)
_NOTIFIED_AT = _CALENDARS.c.rung_at.label("notified_at")  # stored name
_CONNECTIONS = table_of(ConnectionRow)
_CONNECTION = _CONNECTIONS.c.id == _CALENDARS.c.connection_id
_CALENDAR = _TABLE.c.watched_id == _CALENDARS.c.id
_KNOWN = [_TABLE.c[name] for name in Channel.model_fields]

CHANNEL_TOKEN_BYTES = 32


class PushChannels:
    """Stores the channels of watched calendars, their tokens encrypted, and records notifications."""

    def __init__(self, store: Store, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._keys = DataKeys(vault)
        self._clock = clock

    def prepare(self, watched_id: str, address_hash: str) -> NewChannel:
        """Return a new channel to open. It is recorded now, since Google may send a notification before it answers."""
        new = NewChannel(id=uuid4().hex, token=secrets.token_urlsafe(CHANNEL_TOKEN_BYTES))
        row = {"id": new.id, "watched_id": watched_id, "asked_at": self._clock(), "address_hash": address_hash}
        with self._store.write() as connection:
            owner = select(merchant_of(_CALENDARS)).where(_CALENDARS.c.id == watched_id)
            own = self._keys.for_writing(connection, connection.execute(owner).scalar_one())
            token = own.encrypt(_TABLE.c.token, new.token, id=new.id)
            connection.execute(insert(_TABLE).values(**row, token=token))
        return new

    def record_opening(self, channel_id: str, resource_id: str, expires_at: datetime) -> None:
        """Record Google's answer: the channel is open until it expires."""
        own = update(_TABLE).where(_TABLE.c.id == channel_id)
        with self._store.write() as connection:
            connection.execute(own.values(resource_id=resource_id, expires_at=expires_at))

    def doubt(self, channel_ids: Collection[str], now: datetime) -> None:
        """Record that these channels are not believed any more."""
        with self._store.write() as connection:
            connection.execute(update(_TABLE).where(_TABLE.c.id.in_(channel_ids)).values(doubted_at=now))

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
        with self._store.read() as session:
            return find_connection_channels(session.connection(), connection_id)

    def record_refusal(self, watched_id: str) -> None:
        """Record that Google will never send notifications of this calendar."""
        with self._store.write() as connection:
            mark_push_refused(connection, watched_id)

    def get_refused(self, watched_ids: Collection[str]) -> set[str]:
        """Return the ids of those watched calendars of which Google will never send notifications."""
        with self._store.read() as session:
            return filter_push_refused(session, watched_ids)

    def record_notification(self, channel_id: str, token: str, now: datetime, *, opened: bool = False) -> bool:
        """Return whether this is the channel's own token; if so, record that the channel was heard.

        The first notification, and each that does not only say that the channel is ``opened``, has the calendar read:
        it may have changed unseen before. At most one a second is recorded; the others cost one read.
        """
        with self._store.read() as session:
            row = session.execute(_select_target(channel_id)).one_or_none()
            if row is None:
                return False
            own = self._keys.decrypt(session, cell(_TABLE.c.token, row.merchant, id=channel_id), row.token)
        if not secrets.compare_digest(own.encode(), token.encode()):
            return False
        heard = _heard(row, now, opened=opened)
        notified_at = None if opened and row.heard_at else notification_time(row.notified_at, now)
        if heard or notified_at:
            with self._store.write() as connection:
                if heard:
                    connection.execute(update(_TABLE).where(_TABLE.c.id == channel_id).values(heard))
                if notified_at:
                    raise_notified_at(connection, row.watched_id, notified_at)
                mark_changed(connection, row.connection_id, now)
        return True

    def have_all_read(self, now: datetime) -> None:
        """Mark all calendars that have a channel as notified: notifications may have come while nobody took them."""
        live = exists().where(_CALENDAR, _TABLE.c.expires_at > now)
        with self._store.write() as connection:
            connection.execute(update(_CALENDARS).where(live).values({_CALENDARS.c.rung_at: now}))
            mark_all_changed(connection, select(_CALENDARS.c.connection_id).where(live), now)

    def count_states(self, address_hash: str, now: datetime) -> Counter[ChannelState]:
        """Return the number of live channels in each state, and of calendars without one.

        Those that could have one are apart from those that may not even be read.
        """
        live = _TABLE.c.expires_at > now
        state = _state(address_hash, now)
        query = select(state, func.count()).where(live).group_by(state)
        without = (
            select(_CONNECTIONS.c.scopes, func.count())
            .select_from(_CALENDARS)
            .join(_CONNECTIONS, _CONNECTION)
            .where(
                _CONNECTIONS.c.state == ConnectionState.ACTIVE.value,
                ~_CALENDARS.c.push_refused,
                ~exists().where(_CALENDAR, live),
            )
            .group_by(_CONNECTIONS.c.scopes)
        )
        with self._store.read() as session:
            counts = Counter({ChannelState(name): count for name, count in session.execute(query)})
            for scopes, count in session.execute(without):
                lacking = missing_scopes(scopes.split(), [EVENTS_FREEBUSY])
                counts[ChannelState.NOT_ALLOWED if lacking else ChannelState.MISSING] += count
        return counts


def find_connection_channels(connection: Connection, connection_id: str) -> list[Channel]:
    """Return all channels of the connection's calendars."""
    own = select(*_KNOWN).join(_CALENDARS, _CALENDAR).where(_CALENDARS.c.connection_id == connection_id)
    return [Channel.model_validate(dict(row)) for row in connection.execute(own).mappings()]


def _select_target(channel_id: str) -> Select[*tuple[Any, ...]]:
    channel = (_TABLE.c.watched_id, _TABLE.c.token, _TABLE.c.heard_at, _TABLE.c.doubted_at)
    columns = (*channel, _NOTIFIED_AT, _CALENDARS.c.connection_id, _CONNECTIONS.c.merchant)
    joined = select(*columns).join(_CALENDARS, _CALENDAR).join(_CONNECTIONS, _CONNECTION)
    return joined.where(_TABLE.c.id == channel_id)


def _heard(row: Row[*tuple[Any, ...]], now: datetime, *, opened: bool) -> dict[str, datetime | None]:
    """Return what a notification changes in its channel: it was heard, and is not doubted if it notifies in time."""
    first = {} if row.heard_at else {"heard_at": now}
    in_time = not opened and row.doubted_at and now < row.doubted_at + MAX_NOTIFICATION_DELAY
    return first | ({"doubted_at": None} if in_time else {})


def _state(address_hash: str, now: datetime) -> ColumnElement[str]:
    late = now - MAX_NOTIFICATION_DELAY
    other = or_(_TABLE.c.address_hash.is_(None), _TABLE.c.address_hash != address_hash)
    return case(
        (other, ChannelState.OTHER_ADDRESS),
        (_TABLE.c.doubted_at <= late, ChannelState.SUSPECT),
        (_TABLE.c.heard_at.is_not(None), ChannelState.HEARD),
        (_TABLE.c.asked_at <= late, ChannelState.UNHEARD),
        else_=ChannelState.NEW,
    )


def doubt_channels(connection: Connection, watched_id: str, read_at: datetime, at: datetime) -> None:
    """Record that a reading at this time contains a change since ``read_at`` of which no notification came.

    Doubted is a channel that was heard before that, and that should have notified since.
    """
    notified = exists().where(_CALENDARS.c.id == watched_id, read_at < _CALENDARS.c.rung_at)
    silent = (_TABLE.c.watched_id == watched_id, _TABLE.c.heard_at <= read_at, _TABLE.c.doubted_at.is_(None))
    connection.execute(update(_TABLE).where(*silent, ~notified).values(doubted_at=at))
