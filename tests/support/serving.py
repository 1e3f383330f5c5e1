"""The API and the settings page over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starter.api.server import api_server
from starter.bootstrap import Services
from tests.support.waiting import until


def listening_socket() -> tuple[socket.socket, str]:
    """A free port that is taken from now on, and its address."""
    taken = socket.create_server(("127.0.0.1", 0))
    host, port = taken.getsockname()
    return taken, f"http://{host}:{port}"


@asynccontextmanager
async def serving(services: Services, taken: socket.socket) -> AsyncIterator[None]:
    """The application on that port."""
    host, port = taken.getsockname()
    server = api_server(services, host, port)
    running = asyncio.create_task(server.serve(sockets=[taken]))

    async def started() -> bool:
        return server.started or running.done()

    await until(started)
    try:
        yield
    finally:
        server.should_exit = True
        await running
        services.close()
