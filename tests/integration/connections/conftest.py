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
from tests.support.temporal_servers import running_temporal_server
from tests.support.world import world_of


@pytest.fixture
def settings(local_google: RunningLocalGoogle, tmp_path: Path) -> Settings:
    return settings_for(local_google.url, tmp_path).model_copy(update={"public_url": "http://127.0.0.1:9"})


@pytest.fixture
async def connecting_merchant(settings: Settings, vault: Vault) -> AsyncIterator[ConnectionHarness]:
    """A merchant with two Google accounts, neither of them connected."""
    async with running_temporal_server() as client, world_of(settings, vault, client) as world:
        connecting_merchant = ConnectionHarness(world, ConnectionService(settings, world.store, vault, client))
        for email in (EMAIL, OTHER):
            await connecting_merchant.account(email)
        yield connecting_merchant
