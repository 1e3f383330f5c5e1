"""Closing a connection without an answer."""

import asyncio
from typing import cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class ClosableProtocol(H11Protocol):
    """uvicorn's protocol, with its connection within reach of the app."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Puts the connection into the state that every request of it carries."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": transport}


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Closes the request's connection without a byte of answer."""
    cast("asyncio.Transport", scope["state"]["connection"]).close()
    while (await receive())["type"] != "http.disconnect":
        pass
