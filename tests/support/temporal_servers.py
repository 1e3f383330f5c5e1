"""Temporal servers for tests, in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from slotsync.temporal.dev_server import server_options, server_path
from slotsync.temporal.options import slotsync_plugin
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES

MAX_SERVER_STARTS = 6
"""How often a server is started before it is given up. The SDK gives it five seconds: a busy machine may need more."""


@asynccontextmanager
async def running_temporal_server(
    *, time_skipping: bool = False, long_history: int = 0, max_signals: int = 0
) -> AsyncIterator[Client]:
    """Yield a client of a real-time server.

    It asks workflows of ``long_history`` events to continue as new, and a run takes ``max_signals``; 0 is the default.
    """
    options = server_options(time_skipping=time_skipping)
    if long_history:
        options += ["--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={long_history}"]
    if max_signals:
        options += ["--dynamic-config-value", f"history.maximumSignalsPerExecution={max_signals}"]
    async with await _started(options) as environment:
        yield environment.client


async def _started(options: list[str]) -> WorkflowEnvironment:
    for _ in range(MAX_SERVER_STARTS - 1):
        with suppress(RuntimeError):
            return await _start(options)
    return await _start(options)


async def _start(options: list[str]) -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_local(
        plugins=[slotsync_plugin()],
        search_attributes=list(ALL_ATTRIBUTES),
        dev_server_existing_path=server_path(),
        dev_server_extra_args=options,
        dev_server_log_level="error",
    )


@dataclass(frozen=True)
class TimeSkippingServer:
    """A server on which each workflow has a clock of its own.

    What the client starts lives in real time until ``skipper`` flies it somewhere; what the skipper's own client starts
    flies whenever it waits. Nothing that has no end may be started so.
    """

    client: Client
    skipper: TimeSkipper


@asynccontextmanager
async def running_time_skipping_server() -> AsyncIterator[TimeSkippingServer]:
    """Start a server that can skip time."""
    async with running_temporal_server(time_skipping=True) as client:
        yield TimeSkippingServer(
            client, TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=1_000_000))
        )
