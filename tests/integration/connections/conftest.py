"""Merchants who connect Google and disconnect it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from slotsync.settings import Settings
from starter.services.connections import ConnectionService
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.samples import EMAIL
from tests.support.settings import settings_for
from tests.support.temporal_servers import temporal_server
from tests.support.world import world_of


@pytest.fixture
def settings(google: RunningLocalGoogle, tmp_path: Path) -> Settings:
    return settings_for(google.url, tmp_path).model_copy(update={"public_url": "http://127.0.0.1:9"})


@pytest.fixture
async def office(settings: Settings, vault: Vault) -> AsyncIterator[ConnectionHarness]:
    """With two Google accounts, of which none is connected."""
    async with temporal_server(vault) as client, world_of(settings, vault, client) as world:
        office = ConnectionHarness(world, ConnectionService(settings, world.store, vault, client))
        for email in (EMAIL, OTHER):
            await office.account(email)
        yield office
