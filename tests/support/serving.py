"""The API and the settings page over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from starter.api.app import create_server
from starter.bootstrap import Services
from tests.support.waiting import until


def listening_socket() -> tuple[socket.socket, str]:
    """Return a socket that listens on a free port, and its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    return listening, f"http://{host}:{port}"


@asynccontextmanager
async def serving(services: Services, listening: socket.socket) -> AsyncIterator[None]:
    """Serve the application on this socket."""
    host, port = listening.getsockname()
    try:
        async with running_server(create_server(services, host, port), listening):
            yield
    finally:
        services.close()


@asynccontextmanager
async def running_server(server: uvicorn.Server, listening: socket.socket) -> AsyncIterator[None]:
    """Run a server on this socket within the block."""
    running = asyncio.create_task(server.serve(sockets=[listening]))

    async def started() -> bool:
        return server.started or running.done()

    await until(started)
    try:
        yield
    finally:
        server.should_exit = True
        await running
