"""Temporal servers for tests, in memory. Tests share one, and each has a namespace of its own in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from slotsync.temporal.dev_server import server_options, server_path
from slotsync.temporal.options import slotsync_plugin
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES

NAMESPACES: Final = 40
"""How many tests share a server. One that had all tests of a process would keep what all of them have left."""

START_TIMEOUT: Final = timedelta(seconds=60)
"""The time that a server has to start: a busy machine may need more than the SDK's five seconds."""


@dataclass
class SharedServer:
    """A server with namespaces that nobody has used yet. To start one takes as long as many tests."""

    environment: WorkflowEnvironment
    unused: list[str]
    users: int = 0

    @classmethod
    async def start(cls, options: list[str]) -> "SharedServer":
        """Start a server with these options."""
        names = [f"test-{number}" for number in range(NAMESPACES)]
        more = [argument for name in names for argument in ("--namespace", name)]
        return cls(await start_server([*options, *more]), names)

    @asynccontextmanager
    async def namespace(self) -> AsyncIterator[Client]:
        """Yield the client of a new namespace; the server ends with the last one."""
        self.users += 1
        try:
            yield await connect_to(self.environment.client, self.unused.pop())
        finally:
            self.users -= 1
            if not (self.users or self.unused):
                await self.environment.shutdown()


_shared: dict[bool, SharedServer] = {}
"""The servers of this process that have a namespace left, by whether they can skip time."""


@asynccontextmanager
async def running_temporal_server(
    *, time_skipping: bool = False, long_history: int = 0, max_signals: int = 0
) -> AsyncIterator[Client]:
    """Yield a client of a real-time server, in a namespace in which nothing has run yet.

    It asks workflows of ``long_history`` events to continue as new, and a run takes ``max_signals``; 0 is the default.
    """
    options = server_options(time_skipping=time_skipping)
    if long_history or max_signals:
        async with await start_server([*options, *_limits(long_history, max_signals)]) as environment:
            yield environment.client
        return
    server = _shared.get(time_skipping)
    if server is None or not server.unused:
        server = _shared[time_skipping] = await SharedServer.start(options)
    async with server.namespace() as client:
        yield client


def _limits(long_history: int, max_signals: int) -> list[str]:
    limits = {
        "limit.historyCount.suggestContinueAsNew": long_history,
        "history.maximumSignalsPerExecution": max_signals,
    }
    values = [f"{name}={limit}" for name, limit in limits.items() if limit]
    return [argument for value in values for argument in ("--dynamic-config-value", value)]


async def start_server(options: list[str]) -> WorkflowEnvironment:
    """Start a server with slotsync's search attributes."""
    return await WorkflowEnvironment.start_local(
        plugins=[slotsync_plugin()],
        search_attributes=list(ALL_ATTRIBUTES),
        dev_server_existing_path=server_path(),
        dev_server_extra_args=options,
        dev_server_log_level="error",
        dev_server_startup_timeout=START_TIMEOUT,
    )


async def stop_shared_servers() -> None:
    """Stop the servers that tests of this process have shared."""
    while _shared:
        _, server = _shared.popitem()
        if server.unused:
            await server.environment.shutdown()


async def connect_to(client: Client, namespace: str = "", *, address: str = "") -> Client:
    """Return another client of the same server, with a connection of its own: to another namespace or address."""
    return await Client.connect(
        address or client.service_client.config.target_host,
        namespace=namespace or client.namespace,
        plugins=[slotsync_plugin()],
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
