from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.secrets import Vault
from slotsync.settings import Settings
from starter.bootstrap import Backend
from starter.services.connections import PATIENCE, Connecting
from tests.servers import real_time
from tests.serving import listener
from tests.serving import serving as serving_on
from tests.world import World, settings_for, world_of

KEY = "a-key-of-the-platform"
OLD_KEY = "a-key-that-is-being-replaced"
PUBLIC_URL = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Api:
    """The API of a world, reached over real HTTP; ``platform`` has the key, ``stranger`` has none."""

    url: str
    world: World
    platform: httpx.AsyncClient
    stranger: httpx.AsyncClient


@asynccontextmanager
async def serving(backend: Backend) -> AsyncIterator[str]:
    """The API on a free port; its address."""
    taken, url = listener()
    async with serving_on(backend, taken):
        yield url


@asynccontextmanager
async def api_of(world: World, patience: timedelta = PATIENCE) -> AsyncIterator[Api]:
    backend = Backend.of(world.settings, world.store, world.client)
    connecting = Connecting(world.settings, world.store, world.vault, world.client, patience)
    async with (
        serving(replace(backend, connecting=connecting)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, headers={"Authorization": f"Bearer {KEY}"}) as platform,
        httpx.AsyncClient(base_url=url, timeout=30) as stranger,
    ):
        yield Api(url, world, platform, stranger)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture(scope="session")
def settings(google: RunningLocalGoogle, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    told = settings_for(google.url, tmp_path_factory.mktemp("api"))
    return told.model_copy(update={"api_keys": (SecretStr(KEY), SecretStr(OLD_KEY)), "public_url": PUBLIC_URL})


@asynccontextmanager
async def api_with(settings: Settings, patience: timedelta = PATIENCE) -> AsyncIterator[Api]:
    """The API of a new world, which waits so long to say how a disconnection ended."""
    vault = Vault(settings.encryption_keys)
    async with real_time(vault) as client, world_of(settings, vault, client) as world, api_of(world, patience) as built:
        yield built


@pytest.fixture(scope="session")
async def api(settings: Settings) -> AsyncIterator[Api]:
    """One world for all tests of the API; each test has a merchant of its own in it."""
    async with api_with(settings) as built:
        yield built


@pytest.fixture
def merchant() -> str:
    return f"merchant-{uuid4().hex[:12]}"
