"""Temporal servers for tests, in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from slotsync.secrets import Vault
from slotsync.temporal.attributes import ALL
from slotsync.temporal.dev_server import server_options, server_path
from slotsync.temporal.options import slotsync_plugin


@asynccontextmanager
async def real_time(vault: Vault) -> AsyncIterator[Client]:
    """A server in real time."""
    environment = await WorkflowEnvironment.start_local(
        plugins=[slotsync_plugin(vault)],
        search_attributes=list(ALL),
        dev_server_existing_path=server_path(),
        dev_server_extra_args=server_options(),
        dev_server_log_level="error",
    )
    async with environment:
        yield environment.client


@asynccontextmanager
async def flying_time(vault: Vault) -> AsyncIterator[WorkflowEnvironment]:
    """A server on which each workflow has a clock of its own, that flies while the workflow waits.

    Not that of a child: a calendar's workflow has no end to fly to. ``fast_forward`` takes it to a time.
    """
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        plugins=[slotsync_plugin(vault)],
        search_attributes=list(ALL),
        dev_server_existing_path=server_path(),
        dev_server_extra_args=server_options(time_skipping=True),
        ts_config=TimeSkippingConfig(disable_propagation=True, max_session_skip_count=1_000_000),
        dev_server_log_level="error",
    )
    async with environment:
        yield environment
