"""slotsync's parts as processes of their own, which can be killed and started again."""

import asyncio
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from pydantic import SecretStr
from temporalio.client import Client

from slotsync.settings import Settings
from starter.local.processes import running_process, wait_until_ready

UNLIMITED_CALLS = "1000000"


async def ready_at_once() -> bool:
    """Return at once: for a part without a check of its readiness."""
    return True


class Part:
    """A program that can be started, stopped and killed."""

    def __init__(  # noqa: PLR0913, PLR0917  what a process needs
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        answers: Callable[[], Awaitable[bool]],
        at_end: AsyncExitStack,
        *,
        killed_at_end: bool = False,
    ) -> None:
        self._name = name
        self._command = command
        self._folder = folder
        self._environment = environment
        self._answers = answers
        self._at_end = at_end
        self._killed_at_end = killed_at_end
        self._running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the program, and wait until it answers."""
        started = running_process(self._name, self._command, folder=self._folder, environment=self._environment)
        self._running = await self._at_end.enter_async_context(started)
        if self._killed_at_end:
            self._at_end.push_async_callback(self._kill_running, self._running)
        await wait_until_ready(self._name, self._answers, self._running, self._folder)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP, after which the process hangs."""
        assert self._running, f"{self._name} was not started"
        self._running.send_signal(number)

    async def kill(self) -> None:
        """Kill the process with SIGKILL: it cannot clean up."""
        assert self._running, f"{self._name} was not started"
        assert self._running.returncode is None, f"{self._name} ended by itself"
        await self._kill_running(self._running)

    @staticmethod
    async def _kill_running(running: asyncio.subprocess.Process) -> None:
        if running.returncode is None:
            running.kill()
            await running.wait()


def environment_of(settings: Settings, client: Client) -> dict[str, str]:
    """Return the environment variables of these settings, and of the client's server and namespace."""
    return {
        "TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": client.namespace,
        "SLOTSYNC_DATA_FOLDER": str(settings.data_folder),
        "SLOTSYNC_DATABASE_URL": settings.database_url,
        "SLOTSYNC_ENCRYPTION_KEYS": _listed(settings.encryption_keys),
        "SLOTSYNC_API_KEYS": _listed(settings.api_keys),
        "SLOTSYNC_PUBLIC_URL": settings.public_url,
        "SLOTSYNC_GOOGLE_ENDPOINT": settings.google_endpoint,
        "SLOTSYNC_GOOGLE_CLIENT_ID": settings.google_client_id,
        "SLOTSYNC_GOOGLE_CLIENT_SECRET": settings.google_client_secret.get_secret_value(),
        "SLOTSYNC_WEBHOOK_URL": settings.webhook_url,
        "SLOTSYNC_WEBHOOK_SECRET": ",".join(each.get_secret_value() for each in settings.webhook_secret),
        "SLOTSYNC_SMTP_URL": settings.smtp_url.get_secret_value(),
        "SLOTSYNC_METRICS_PORT": str(settings.metrics_port or ""),
        "SLOTSYNC_POLL_SECONDS": str(settings.poll_seconds),
        "SLOTSYNC_MAX_DEBOUNCE_SECONDS": str(settings.max_debounce_seconds),
        "SLOTSYNC_GOOGLE_CALLS_PER_USER_MINUTE": UNLIMITED_CALLS,
        "SLOTSYNC_GOOGLE_CALLS_PER_PROJECT_MINUTE": UNLIMITED_CALLS,
    }


PORTS = (12_000, 32_000)
"""Linux gives outgoing connections ports from 32,768 on, which may take one that was free a moment ago."""


def free_ports(count: int) -> list[int]:
    ports = set[int]()
    while len(ports) < count:
        port = random.randrange(*PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.add(port)
    return sorted(ports)


def _listed(secrets: Sequence[SecretStr]) -> str:
    return ",".join(each.get_secret_value() for each in secrets)
