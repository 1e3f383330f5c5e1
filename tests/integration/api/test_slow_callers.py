"""Connections that send their requests too slowly are closed, and hold up nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.support.api import Api
from tests.support.settings import KEY

pytestmark = pytest.mark.anyio

HEAD = f"PUT /v1/merchants/m/products/tour HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {KEY}\r\n"
WHOLE = "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"


@asynccontextmanager
async def connection(api: Api) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    url = httpx.URL(api.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer_to(api: Api, *pieces: str) -> bytes:
    """Send the pieces, and return all that comes until the other side closes the connection."""
    async with connection(api) as (reader, writer):
        for piece in pieces:
            writer.write(piece.encode())
            await writer.drain()
        return await reader.read()


async def test_heads_and_bodies_that_never_end_are_ended_for_them(api: Api) -> None:
    silent, half, second, body = await asyncio.gather(
        answer_to(api),
        answer_to(api, HEAD),
        answer_to(api, WHOLE, HEAD),
        answer_to(api, f"{HEAD}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n", "{"),
    )
    assert (silent, half) == (b"", b"")
    assert second.startswith(b"HTTP/1.1 200")
    assert second.count(b"HTTP/1.1") == 1
    assert body.startswith(b"HTTP/1.1 408")
    assert b"request-too-slow" in body
