"""The connections of callers: one that sends its request's head too slowly is closed."""

import asyncio
from datetime import timedelta
from typing import Final

import h11
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT: Final = timedelta(seconds=10)
"""From the connection, or from the first byte of a further request, to the end of its headers."""


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, with a time limit for heads: uvicorn itself has one only between two requests."""

    _head_timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_head()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_head()
        elif self._head_timer is None:
            self._begin_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def _begin_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT.total_seconds(), self.transport.close)

    def _end_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None
