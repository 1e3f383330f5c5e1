"""Record the outcome of calls to Google, from which a connection's state is computed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.errors import (
    BadRequest,
    CallLimitReached,
    GoogleError,
    GrantLost,
    QuotaExhausted,
    RateLimited,
    Refused,
    ScopeMissing,
    Transient,
)
from slotsync.store.connections.connections import Connections
from slotsync.temporal.signals import signal_connection

RECORDING_INTERVAL = timedelta(seconds=10)
"""Shortest time between two recorded successes of one connection in one process."""

_OF_THE_CONNECTION = (BadRequest, QuotaExhausted, RateLimited, Refused, ScopeMissing, Transient)
"""The errors that tell why calls fail; the others are about one event or one calendar."""

_SIGNAL_TIMEOUT = timedelta(seconds=10)


def _activity_start() -> datetime:
    return activity.info().started_time


class ConnectionHealth:
    """Records outcomes. ``loop`` is the client's event loop, since calls run in threads."""

    def __init__(
        self,
        connections: Connections,
        client: Client,
        loop: asyncio.AbstractEventLoop,
        get_start: Callable[[], datetime] = _activity_start,
    ) -> None:
        self._connections = connections
        self._client = client
        self._loop = loop
        self._get_start = get_start
        self._recorded: dict[str, datetime] = {}
        self._failed: dict[str, tuple[str, datetime]] = {}

    @contextmanager
    def recording(self, connection_id: str, *, whole_call: bool = False) -> Iterator[None]:
        """Record the outcome of the calls to Google in the ``with`` block. Google's errors are raised unchanged.

        With ``whole_call`` each of them is the connection's, since the call is about no single event or calendar.

        A lost grant is that of before the block, or an older one: a newer one is found to be lost by the next call.
        """
        at, grant_number = self._get_start(), self._connections.get_number(connection_id)
        try:
            yield
        except CallLimitReached:
            raise  # Google was not asked
        except GrantLost as error:
            self._record_lost_grant(connection_id, error.reason, grant_number)
            raise
        except GoogleError as error:
            if whole_call or isinstance(error, _OF_THE_CONNECTION):
                self._record_error(connection_id, error.reason, at)
            raise
        self._record_success(connection_id, at)

    def _record_success(self, connection_id: str, at: datetime) -> None:
        recorded = self._recorded.get(connection_id)
        failed = self._failed.pop(connection_id, None)
        if failed or recorded is None or at - recorded >= RECORDING_INTERVAL:
            self._recorded[connection_id] = at
            self._connections.mark_good_call(connection_id, at)

    def _record_error(self, connection_id: str, reason: str, at: datetime) -> None:
        failed = self._failed.get(connection_id)
        if failed is None or failed[0] != reason or at - failed[1] >= RECORDING_INTERVAL:
            self._failed[connection_id] = reason, at
            self._connections.mark_error(connection_id, reason)

    def _record_lost_grant(self, connection_id: str, reason: str, grant_number: int) -> None:
        """Record it, then signal: should the signal be lost, the sweep finds that the connection is due."""
        if merchant := self._connections.mark_revoked(connection_id, reason, grant_number):
            signal = signal_connection(self._client, merchant, "revoked")
            with suppress(RPCError, TimeoutError):
                asyncio.run_coroutine_threadsafe(signal, self._loop).result(_SIGNAL_TIMEOUT.total_seconds())
