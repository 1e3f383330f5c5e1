"""The API of a world, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx

from slotsync.secrets import Vault
from slotsync.settings import Settings
from starter.bootstrap import Services
from starter.services.connections import DISCONNECT_TIMEOUT, ConnectionService
from tests.support.http import tls
from tests.support.serving import listening_socket
from tests.support.serving import serving as serving_on
from tests.support.settings import KEY
from tests.support.temporal_servers import running_temporal_server
from tests.support.world import World, world_of


@dataclass(frozen=True)
class Api:
    """The API of a world, reached over real HTTP; ``platform`` has the key, ``stranger`` has none."""

    url: str
    world: World
    platform: httpx.AsyncClient
    stranger: httpx.AsyncClient


@asynccontextmanager
async def serving_on_free_port(services: Services) -> AsyncIterator[str]:
    """Serve the API on a free port, and yield its address."""
    taken, url = listening_socket()
    async with serving_on(services, taken):
        yield url


@asynccontextmanager
async def api_of(world: World, disconnect_timeout: timedelta = DISCONNECT_TIMEOUT) -> AsyncIterator[Api]:
    services = Services.create(world.settings, world.store, world.client)
    connections = ConnectionService(
        world.settings, world.store, world.vault, world.client, disconnect_timeout=disconnect_timeout
    )
    async with (
        serving_on_free_port(replace(services, connections=connections)) as url,
        httpx.AsyncClient(
            base_url=url, verify=tls(), timeout=30, headers={"Authorization": f"Bearer {KEY}"}
        ) as platform,
        httpx.AsyncClient(base_url=url, verify=tls(), timeout=30) as stranger,
    ):
        yield Api(url, world, platform, stranger)


@asynccontextmanager
async def api_with(settings: Settings, disconnect_timeout: timedelta = DISCONNECT_TIMEOUT) -> AsyncIterator[Api]:
    """Yield the API of a new world; it waits this long for the result of a disconnection."""
    vault = Vault(settings.encryption_keys)
    async with (
        running_temporal_server() as client,
        world_of(settings, vault, client) as world,
        api_of(world, disconnect_timeout) as built,
    ):
        yield built
