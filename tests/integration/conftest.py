"""Worlds: a local Google, a store, Temporal, and slotsync's workers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.secrets import Vault
from tests.support.temporal_servers import TimeSkippingServer, temporal_server, time_skipping_server
from tests.support.world import World
from tests.support.world import world as build_world


@pytest.fixture
async def world(google: RunningLocalGoogle, vault: Vault, tmp_path: Path) -> AsyncIterator[World]:
    """A world in real time."""
    async with temporal_server(vault) as client, build_world(google, vault, client, tmp_path) as built:
        yield built


@pytest.fixture
async def flying(vault: Vault) -> AsyncIterator[TimeSkippingServer]:
    """A Temporal server on which time can fly."""
    async with time_skipping_server(vault) as server:
        yield server


@pytest.fixture
def skipper(flying: TimeSkippingServer) -> TimeSkipper:
    """Flies a workflow of the ``skipping_world`` to a time."""
    return flying.skipper


@pytest.fixture
async def skipping_world(
    google: RunningLocalGoogle, vault: Vault, flying: TimeSkippingServer, tmp_path: Path
) -> AsyncIterator[World]:
    """A world in which ``flying.skipper`` can fly any workflow to a time."""
    async with build_world(google, vault, flying.client, tmp_path) as built:
        yield built


@pytest.fixture
async def flying_world(
    google: RunningLocalGoogle, vault: Vault, flying: TimeSkippingServer, tmp_path: Path
) -> AsyncIterator[World]:
    """A world in which the time of every reservation flies whenever it waits; calendars live in real time."""
    async with build_world(google, vault, flying.skipper.client, tmp_path, flying.client) as built:
        yield built
