"""All parts that slotsync runs on, each a process of its own, in one folder."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.temporal.dev_server import server_command
from slotsync.temporal.options import connect
from starter.local.processes import slotsync_command
from tests.support.http import tls
from tests.support.processes import Part, environment_of, free_ports, ready_at_once
from tests.support.settings import settings_for
from tests.support.world import World, world_of


@dataclass(frozen=True)
class Machine:
    """The processes that slotsync runs on."""

    folder: Path
    google: Part
    temporal: Part
    worker: Part
    api: Part
    client: Client
    settings: Settings
    vault: Vault

    def delete_database(self, name: str) -> None:
        """Delete an SQLite database, with its side files."""
        for file in self.folder.glob(f"{name}*"):
            file.unlink()


Adapt = Callable[[Settings], Settings]


@asynccontextmanager
async def machine(
    folder: Path,
    *adapts: Adapt,
    killed_at_end: bool = False,
    command: Callable[..., list[str]] = slotsync_command,
) -> AsyncIterator[Machine]:
    """Yield all parts, none started yet. At the end, the running ones are stopped, or killed, which is quicker.

    The settings are changed by each of ``adapts``, such as those of a receiver of e-mails. ``command`` returns the
    command lines of worker and API.
    """
    google_port, temporal_port, ui_port, api_port = free_ports(4)
    google, api = f"http://127.0.0.1:{google_port}", f"http://127.0.0.1:{api_port}"
    address = f"127.0.0.1:{temporal_port}"
    settings = _settings(google, api, folder)
    for adapt in adapts:
        settings = adapt(settings)
    vault = Vault(settings.encryption_keys)
    client = await connect(address=address, lazy=True)
    async with AsyncExitStack() as at_end:

        def part(name: str, command: Sequence[str], answers: Callable[[], Awaitable[bool]]) -> Part:
            environment = environment_of(settings, client)
            return Part(name, command, folder, environment, answers, at_end, killed_at_end=killed_at_end)

        sandbox = slotsync_command(
            "sandbox", "--port", str(google_port), "--state", str(folder / "google.db"), "--no-quotas"
        )
        server = server_command(port=temporal_port, ui_port=ui_port, file=folder / "temporal.db")
        yield Machine(
            folder=folder,
            google=part("google", sandbox, lambda: _answers(f"{google}/sandbox/accounts")),
            temporal=part("temporal", server, lambda: _temporal_answers(client)),
            worker=part("worker", command("worker"), ready_at_once),
            api=part("api", command("api", "--port", str(api_port)), lambda: _answers(f"{api}/readyz")),
            client=client,
            settings=settings,
            vault=vault,
        )


@asynccontextmanager
async def world_on(machine: Machine) -> AsyncIterator[World]:
    """Yield a world of clients that talk to the parts."""
    async with world_of(machine.settings, machine.vault, machine.client) as built:
        yield built


def _settings(google: str, api: str, folder: Path) -> Settings:
    """Return settings with unique secrets, so that they can be searched for."""
    defaults = {
        "public_url": api,
        "api_keys": (SecretStr(token_urlsafe(32)),),
        "google_client_secret": SecretStr(token_urlsafe(32)),
    }
    return settings_for(google, folder, Fernet.generate_key().decode()).model_copy(update=defaults)


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient(verify=tls()) as http:
        try:
            return (await http.get(url)).is_success
        except httpx.TransportError:
            return False


async def _temporal_answers(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    except (RPCError, RuntimeError):  # the latter while nobody listens there
        return False
