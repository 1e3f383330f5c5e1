"""The embedded Temporal server: for the demo, for development and for tests; from a package, never downloaded."""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.temporal.attributes import ALL
from slotsync.temporal.options import slotsync_plugin

FAIRNESS = ("matching.useNewMatcher=true", "matching.enableFairness=true")
"""Off by default in server 1.32; without them fairness keys and their rate limits are ignored."""

ONE_PARTITION = ("matching.numTaskqueueReadPartitions=1", "matching.numTaskqueueWritePartitions=1")
"""Rate limits and fairness are exact within one partition only; one is plenty for one machine."""

FAST_TIMERS = ('history.timerProcessorMaxTimeShift="1ms"', 'history.workflowIdReuseMinimalInterval="0s"')
"""Measured: without them every short timer costs a second, and a quick continue-as-new another."""


@dataclass(frozen=True)
class DevServer:
    """A running server: where it listens, and a client with slotsync's options."""

    address: str
    ui_url: str
    client: Client


def server_path() -> str:
    """The server's executable, beside this Python."""
    beside = Path(sys.executable).parent / "temporal"
    path = str(beside) if beside.exists() else shutil.which("temporal")
    if path is None:
        raise SettingsError("no Temporal server here: install slotsync[local], or set TEMPORAL_ADDRESS")
    return path


def dynamic_config() -> list[str]:
    """The server's settings that slotsync needs, as arguments."""
    return [
        argument
        for value in (*FAIRNESS, *ONE_PARTITION, *FAST_TIMERS)
        for argument in ("--dynamic-config-value", value)
    ]


@asynccontextmanager
async def dev_server(vault: Vault, folder: Path | None = None, *, ui: bool = False) -> AsyncIterator[DevServer]:
    """A server that keeps its state in a file in this folder, so that a restart loses nothing; without: in memory."""
    environment = await WorkflowEnvironment.start_local(
        plugins=[slotsync_plugin(vault)],
        search_attributes=list(ALL),
        dev_server_existing_path=server_path(),
        dev_server_database_filename=str(folder / "temporal.db") if folder else None,
        dev_server_extra_args=dynamic_config(),
        dev_server_log_level="error",
        ui=ui,
    )
    async with environment:
        address = environment.client.service_client.config.target_host
        yield DevServer(address=address, ui_url=_ui_url(address), client=environment.client)


@asynccontextmanager
async def time_skipping_server(vault: Vault) -> AsyncIterator[WorkflowEnvironment]:
    """A server in memory on which each workflow has a clock of its own that flies while the workflow waits."""
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        plugins=[slotsync_plugin(vault)],
        search_attributes=list(ALL),
        dev_server_existing_path=server_path(),
        dev_server_extra_args=[
            *dynamic_config(),
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
        ],
        dev_server_log_level="error",
    )
    async with environment:
        yield environment


def _ui_url(address: str) -> str:
    # The dev server puts its UI 1,000 ports above.
    host, port = address.rsplit(":", 1)
    return f"http://{host}:{int(port) + 1000}"
