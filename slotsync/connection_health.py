"""Record how calls to Google went: the state of a connection is computed from that."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from slotsync.domain.connections.messages import Revoked
from slotsync.errors import GrantLost, ScopeMissing
from slotsync.store.connections.connections import Connections
from slotsync.temporal.signals import signal_connection

EVERY = timedelta(seconds=10)
"""A good call is written down this often at most, for each connection and process."""

_TOLD_WITHIN = 10


def _activity_began() -> datetime:
    return activity.info().started_time


class ConnectionHealth:
    """Keeps the notes. ``loop`` is where the client lives, since calls run in threads; ``begun`` is when one began."""

    def __init__(
        self,
        connections: Connections,
        client: Client,
        loop: asyncio.AbstractEventLoop,
        begun: Callable[[], datetime] = _activity_began,
    ) -> None:
        self._connections = connections
        self._client = client
        self._loop = loop
        self._begun = begun
        self._noted: dict[str, datetime] = {}

    @contextmanager
    def recording(self, connection_id: str) -> Iterator[None]:
        """Around calls to Google as this connection. Notes how they ended; errors go on."""
        at = self._begun()
        try:
            yield
        except GrantLost as error:
            self._lost(connection_id, error.reason, at)
            raise
        except ScopeMissing as error:
            self._connections.mark_trouble(connection_id, error.reason)
            raise
        self._good(connection_id, at)

    def _good(self, connection_id: str, at: datetime) -> None:
        noted = self._noted.get(connection_id)
        if noted is None or at - noted >= EVERY:
            self._noted[connection_id] = at
            self._connections.mark_good_call(connection_id, at)

    def _lost(self, connection_id: str, reason: str, at: datetime) -> None:
        """Told before it is marked: a worker that dies in between meets the dead grant again, and tells again."""
        if merchant := self._connections.active_merchant(connection_id, at):
            told = signal_connection(self._client, merchant, Revoked(reason=reason))
            asyncio.run_coroutine_threadsafe(told, self._loop).result(_TOLD_WITHIN)
            self._connections.mark_revoked(connection_id, reason, at)
