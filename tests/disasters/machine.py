"""slotsync's parts as processes of their own, which can be killed and started again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.temporal.connect import connect
from slotsync.temporal.dev_server import server_command
from starter.local import CLIENT_ID
from starter.processes import process, slotsync_command, until_ready
from tests.world import World, settings_for, world_of

BEYOND_ANY_TEST = "1000000"


class Part:
    """One program, running or not."""

    def __init__(  # noqa: PLR0913, PLR0917  what a process needs
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        answers: Callable[[], Awaitable[bool]],
        at_end: AsyncExitStack,
    ) -> None:
        self._name = name
        self._command = command
        self._folder = folder
        self._environment = environment
        self._answers = answers
        self._at_end = at_end
        self._running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Runs it, until it answers."""
        started = process(self._name, self._command, folder=self._folder, environment=self._environment)
        self._running = await self._at_end.enter_async_context(started)
        await until_ready(self._name, self._answers, self._running, self._folder)

    async def kill(self) -> None:
        """SIGKILL: no last word, nothing put away."""
        assert self._running, f"{self._name} was not started"
        assert self._running.returncode is None, f"{self._name} ended by itself"
        self._running.kill()
        await self._running.wait()


@dataclass(frozen=True)
class Machine:
    """Everything that slotsync runs on."""

    folder: Path
    google: Part
    temporal: Part
    worker: Part
    client: Client
    settings: Settings
    vault: Vault

    def delete_database(self, name: str) -> None:
        """Removes an SQLite database, with what belongs to it."""
        for file in self.folder.glob(f"{name}*"):
            file.unlink()


@asynccontextmanager
async def machine(folder: Path) -> AsyncIterator[Machine]:
    """All parts, none started yet; whatever runs at the end is stopped."""
    google_port, temporal_port, ui_port = _free_ports(3)
    google = f"http://127.0.0.1:{google_port}"
    address = f"127.0.0.1:{temporal_port}"
    key = Fernet.generate_key().decode()
    settings, vault = settings_for(google, folder, key), Vault([key])
    client = await connect(vault, address=address, lazy=True)
    async with AsyncExitStack() as at_end:

        def part(name: str, command: Sequence[str], answers: Callable[[], Awaitable[bool]]) -> Part:
            return Part(name, command, folder, _environment(settings, address, key), answers, at_end)

        sandbox = slotsync_command(
            "sandbox", "--port", str(google_port), "--state", str(folder / "google.db"), "--no-quotas"
        )
        server = server_command(port=temporal_port, ui_port=ui_port, file=folder / "temporal.db")
        yield Machine(
            folder=folder,
            google=part("google", sandbox, lambda: _google_answers(google)),
            temporal=part("temporal", server, lambda: _temporal_answers(client)),
            worker=part("worker", slotsync_command("worker"), _at_once),
            client=client,
            settings=settings,
            vault=vault,
        )


@asynccontextmanager
async def world_on(machine: Machine) -> AsyncIterator[World]:
    """What talks to the parts."""
    async with world_of(machine.settings, machine.vault, machine.client) as built:
        yield built


def _environment(settings: Settings, temporal: str, key: str) -> dict[str, str]:
    return {
        "TEMPORAL_ADDRESS": temporal,
        "SLOTSYNC_DATA_FOLDER": str(settings.data_folder),
        "SLOTSYNC_DATABASE_URL": settings.database_url,
        "SLOTSYNC_ENCRYPTION_KEYS": key,
        "SLOTSYNC_GOOGLE_ENDPOINT": settings.google_endpoint,
        "SLOTSYNC_GOOGLE_CLIENT_ID": CLIENT_ID,
        "SLOTSYNC_GOOGLE_CLIENT_SECRET": "local",
        "SLOTSYNC_GOOGLE_CALLS_PER_USER_MINUTE": BEYOND_ANY_TEST,
        "SLOTSYNC_GOOGLE_CALLS_PER_PROJECT_MINUTE": BEYOND_ANY_TEST,
    }


async def _google_answers(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(f"{url}/sandbox/accounts")).is_success
        except httpx.TransportError:
            return False


async def _temporal_answers(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    except (RPCError, RuntimeError):  # the latter while nobody listens there
        return False


async def _at_once() -> bool:
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
