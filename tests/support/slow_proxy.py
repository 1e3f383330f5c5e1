"""A proxy before a server that is slow: everything arrives, each piece so much later, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta


@asynccontextmanager
async def slow_proxy(target: str, delay: timedelta) -> AsyncIterator[str]:
    """Yield the address of a proxy that passes everything on to the target (host:port) after the delay."""
    host, port = target.rsplit(":", 1)
    forwarding = set[asyncio.Task[None]]()

    async def forward(near: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far, far_writer = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(_pass_on(near, far_writer, delay), _pass_on(far, near_writer, delay))
        finally:
            for writer in (near_writer, far_writer):
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forwarding.add(asyncio.create_task(forward(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in forwarding:
            task.cancel()
        await asyncio.gather(*forwarding, return_exceptions=True)
        await server.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: timedelta) -> None:
    """Pass everything on, in order; what comes meanwhile waits no longer than its own delay."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def read() -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                pieces.put_nowait((loop.time() + delay.total_seconds(), data))
        pieces.put_nowait((loop.time(), b""))

    reading = asyncio.create_task(read())
    try:
        while (piece := await pieces.get())[1]:
            await asyncio.sleep(max(piece[0] - loop.time(), 0))
            writer.write(piece[1])
            await writer.drain()
    finally:
        reading.cancel()
