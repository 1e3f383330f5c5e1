"""The API of a world, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx

from slotsync.secrets import Vault
from slotsync.settings import Settings
from starter.bootstrap import Services
from starter.services.connections import PATIENCE, ConnectionService
from tests.support.serving import listening_socket
from tests.support.serving import serving as serving_on
from tests.support.settings import KEY
from tests.support.temporal_servers import temporal_server
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
    """The API on a free port; its address."""
    taken, url = listening_socket()
    async with serving_on(services, taken):
        yield url


@asynccontextmanager
async def api_of(world: World, patience: timedelta = PATIENCE) -> AsyncIterator[Api]:
    services = Services.of(world.settings, world.store, world.client)
    connecting = ConnectionService(world.settings, world.store, world.vault, world.client, patience)
    async with (
        serving_on_free_port(replace(services, connecting=connecting)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, headers={"Authorization": f"Bearer {KEY}"}) as platform,
        httpx.AsyncClient(base_url=url, timeout=30) as stranger,
    ):
        yield Api(url, world, platform, stranger)


@asynccontextmanager
async def api_with(settings: Settings, patience: timedelta = PATIENCE) -> AsyncIterator[Api]:
    """The API of a new world, which waits so long to say how a disconnection ended."""
    vault = Vault(settings.encryption_keys)
    async with (
        temporal_server(vault) as client,
        world_of(settings, vault, client) as world,
        api_of(world, patience) as built,
    ):
        yield built
