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
    CalendarMissing,
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

_Grant = tuple[str, int]
"""A connection's id, and the number of its grant."""


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
        self._recorded: dict[_Grant, datetime] = {}
        self._failed: dict[_Grant, tuple[str, datetime]] = {}

    @contextmanager
    def recording(self, connection_id: str, *, whole_call: bool = False) -> Iterator[None]:
        """Record the outcome of the calls to Google in the ``with`` block. Google's errors are raised unchanged.

        With ``whole_call`` each of them is the connection's, but for a calendar that Google does not find, which the
        next one replaces: what is normal for one event is no error of the block.

        The outcome is that of the grant of before the block, or of an older one: a newer one has its own calls.
        """
        at, grant = self._get_start(), (connection_id, self._connections.get_grant_number_by_id(connection_id))
        try:
            yield
        except CallLimitReached:
            raise  # Google was not asked
        except GrantLost as error:
            self._record_lost_grant(grant, error.reason)
            raise
        except GoogleError as error:
            if isinstance(error, _OF_THE_CONNECTION) or (whole_call and not isinstance(error, CalendarMissing)):
                self._record_error(grant, error.reason, at)
            raise
        self._record_success(grant, at)

    def _record_success(self, grant: _Grant, at: datetime) -> None:
        recorded = self._recorded.get(grant)
        failed = self._failed.pop(grant, None)
        if failed or recorded is None or at - recorded >= RECORDING_INTERVAL:
            self._recorded[grant] = at
            connection_id, number = grant
            self._connections.mark_good_call(connection_id, at, number)

    def _record_error(self, grant: _Grant, reason: str, at: datetime) -> None:
        failed = self._failed.get(grant)
        if failed is None or failed[0] != reason or at - failed[1] >= RECORDING_INTERVAL:
            self._failed[grant] = reason, at
            connection_id, number = grant
            self._connections.mark_error(connection_id, reason, number)

    def _record_lost_grant(self, grant: _Grant, reason: str) -> None:
        """Record it, then signal: should the signal be lost, the sweep finds that the connection is due."""
        connection_id, grant_number = grant
        if merchant := self._connections.mark_revoked(connection_id, reason, grant_number):
            signal = signal_connection(self._client, merchant, "revoked")
            with suppress(RPCError, TimeoutError):
                asyncio.run_coroutine_threadsafe(signal, self._loop).result(_SIGNAL_TIMEOUT.total_seconds())
