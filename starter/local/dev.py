"""Run all parts on one machine: the local Google, Temporal's server, a worker and the API."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from shutil import rmtree

import httpx
from cryptography.fernet import Fernet
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.private_files import make_private_folder, write_private_file
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.temporal import queues
from slotsync.temporal.dev_server import server_command
from slotsync.temporal.options import connect
from starter.client import Slotsync
from starter.local.environment import set_environment
from starter.local.locks import locked_folder
from starter.local.processes import (
    HOST,
    free_port,
    get_port,
    open_listener,
    running_process,
    slotsync_command,
    wait_until_ready,
    write_environment,
)

SCOPES = tuple(sorted(wanted_scopes(push=True)))
CLIENT_ID = "slotsync-local"
UNLIMITED_CALLS_A_MINUTE = "1000000"
"""More than any demo makes."""

SAMPLE_MERCHANT = "arctic-kayaks"
"""The merchant for trying things out, which the README uses, too."""

StatusCallback = Callable[[str], None]
"""Called with each step of starting, in words."""


@dataclass(frozen=True)
class TemporalServer:
    """The addresses of Temporal's server and its UI (empty if unknown), and a client."""

    address: str
    ui_url: str
    client: Client


@dataclass(frozen=True)
class LocalParts:
    """The addresses of all parts, and clients for them."""

    api: str
    api_key: str
    google: str
    temporal: str
    temporal_ui: str
    environment: Path
    slotsync: Slotsync
    connections: Connections
    client: Client

    def addresses(self) -> dict[str, str]:
        """Return the addresses and the API key by name, for other programs."""
        names = ("api", "api_key", "google", "temporal", "temporal_ui")
        return {name: getattr(self, name) for name in names}


@asynccontextmanager
async def local_parts(
    folder: Path, show_status: StatusCallback, *, quotas: bool, fresh: bool = False
) -> AsyncIterator[LocalParts]:
    """Run all parts until the block ends, with their state in this folder; with ``fresh`` a former one is deleted.

    Without ``quotas`` nobody limits calls.

    Raises:
        WrongState: another process runs all parts in this folder.
    """
    with (
        locked_folder(folder) as lock,
        closing(open_listener(8085)) as google,
        closing(open_listener(8080)) as api,
    ):
        lock.name_holder(_url(api))
        if fresh:
            rmtree(folder, ignore_errors=True)
        make_private_folder(folder)
        async with _running_parts(folder, google, api, show_status, quotas=quotas) as parts:
            yield parts


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{get_port(listener)}"


@asynccontextmanager
async def _running_parts(
    folder: Path,
    google_listener: socket.socket,
    api_listener: socket.socket,
    show_status: StatusCallback,
    *,
    quotas: bool,
) -> AsyncIterator[LocalParts]:
    google, api = _url(google_listener), _url(api_listener)
    variables = _set_environment(folder.resolve(), google, api, quotas=quotas)
    settings = Settings.load()
    vault = Vault(settings.encryption_keys)
    store = Store.open(settings.database_url)
    store.upgrade()
    async with (
        _running_local_google(folder, google_listener, show_status, quotas=quotas),
        _running_temporal(folder, show_status) as temporal,
    ):
        variables["TEMPORAL_ADDRESS"] = temporal.address
        write_environment(folder / "environment", variables)
        async with _running_worker_and_api(folder, variables, temporal, api_listener, show_status):
            yield LocalParts(
                api=api,
                api_key=variables["SLOTSYNC_API_KEYS"],
                google=google,
                temporal=temporal.address,
                temporal_ui=temporal.ui_url,
                environment=folder / "environment",
                slotsync=Slotsync(temporal.client, store, vault, settings.horizon),
                connections=Connections(store, vault),
                client=temporal.client,
            )


async def connect_merchant(parts: LocalParts, merchant: str, name: str, email: str, time_zone: str) -> None:
    """Create the merchant with a Google account, and store a grant of it."""
    async with _as_platform(parts) as api:
        (await api.put(f"/v1/merchants/{merchant}", json={"name": name})).raise_for_status()
    async with httpx.AsyncClient(base_url=parts.google) as google:
        (await google.post("/sandbox/accounts", json={"email": email, "time_zone": time_zone})).raise_for_status()
        grant = {"client_id": CLIENT_ID, "scopes": list(SCOPES)}
        answer = (await google.post(f"/sandbox/accounts/{email}/grant", json=grant)).raise_for_status()
    parts.connections.save_grant(merchant, answer.json()["refresh_token"], SCOPES, email)


async def create_settings_link(parts: LocalParts, merchant: str) -> str:
    """Return a link to the merchant's settings page, created through the API as a platform does it."""
    async with _as_platform(parts) as api:
        answer = (await api.post(f"/v1/merchants/{merchant}/settings-link")).raise_for_status()
    return str(answer.json()["url"])


def _as_platform(parts: LocalParts) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=parts.api, headers={"Authorization": f"Bearer {parts.api_key}"})


async def create_sample_merchant(parts: LocalParts) -> None:
    """Create the sample merchant: connected to Google, with a tour and a guide."""
    await connect_merchant(parts, SAMPLE_MERCHANT, "Arctic Kayaks", "arctic-kayaks@gmail.example", "Europe/Helsinki")
    for owner, name in ((Owner.product("sunset-tour"), "Sunset tour"), (Owner.resource("guide-1"), "Guide Aino")):
        settings = OwnerSettings(name=name, time_zone="Europe/Helsinki")
        await parts.slotsync.put_owner(SAMPLE_MERCHANT, owner, settings)


def _set_environment(folder: Path, google: str, api: str, *, quotas: bool) -> dict[str, str]:
    """Set the environment of this process and of those that it starts, and return the settings in it.

    Raises:
        SettingsError: a setting names an address that is not on this machine.
    """
    own = {
        "SLOTSYNC_DATA_FOLDER": str(folder),
        "SLOTSYNC_DATABASE_URL": f"sqlite:///{folder}/slotsync.db",
        "SLOTSYNC_ENCRYPTION_KEYS": _load_or_write_secret(folder / "encryption.key", Fernet.generate_key().decode()),
        "SLOTSYNC_API_KEYS": _load_or_write_secret(folder / "api.key", token_urlsafe(32)),
        "SLOTSYNC_PUBLIC_URL": api,
        "SLOTSYNC_GOOGLE_ENDPOINT": google,
        "SLOTSYNC_GOOGLE_CLIENT_ID": CLIENT_ID,
        "SLOTSYNC_GOOGLE_CLIENT_SECRET": "local",
    }
    if not quotas:
        own["SLOTSYNC_GOOGLE_CALLS_PER_USER_MINUTE"] = UNLIMITED_CALLS_A_MINUTE
        own["SLOTSYNC_GOOGLE_CALLS_PER_PROJECT_MINUTE"] = UNLIMITED_CALLS_A_MINUTE
    return set_environment(own)


def _load_or_write_secret(file: Path, new: str) -> str:
    """Return the secret in this file, which only its owner can read; on first use, write the new one."""
    if not file.exists():
        write_private_file(file, new)
    return file.read_text()


@asynccontextmanager
async def _running_local_google(
    folder: Path, listener: socket.socket, show_status: StatusCallback, *, quotas: bool
) -> AsyncIterator[None]:
    show_status("Starting the local Google")
    limits = [] if quotas else ["--no-quotas"]
    command = slotsync_command("sandbox", *_listening(listener), "--state", str(folder / "google.state"), *limits)
    async with running_process("google", command, folder=folder, listener=listener) as running:
        url = _url(listener)
        await wait_until_ready("google", lambda: _is_success(f"{url}/sandbox/accounts"), running, folder)
        yield


@asynccontextmanager
async def _running_worker_and_api(
    folder: Path,
    variables: dict[str, str],
    temporal: TemporalServer,
    listener: socket.socket,
    show_status: StatusCallback,
) -> AsyncIterator[None]:
    """Run the worker and the API, which start in parallel."""
    worker_command, api_command = slotsync_command("worker"), slotsync_command("api", *_listening(listener))
    async with (
        running_process("worker", worker_command, folder=folder, environment=variables) as worker,
        running_process("api", api_command, folder=folder, environment=variables, listener=listener) as api,
    ):
        show_status("Waiting for the worker")
        await wait_until_ready("worker", lambda: _has_workers(temporal.client), worker, folder)
        show_status("Waiting for the API")
        await wait_until_ready("api", lambda: _is_success(f"{_url(listener)}/readyz"), api, folder)
        yield


def _listening(listener: socket.socket) -> tuple[str, ...]:
    """Return the options of a command that answers on the socket, which it inherits."""
    return "--port", str(get_port(listener)), "--fd", str(listener.fileno())


async def _is_success(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(url)).is_success
        except httpx.TransportError:
            return False


@asynccontextmanager
async def _running_temporal(folder: Path, show_status: StatusCallback) -> AsyncIterator[TemporalServer]:
    """Connect to the server of TEMPORAL_ADDRESS if that is set; otherwise run a server until the block ends."""
    if address := os.environ.get("TEMPORAL_ADDRESS"):
        show_status(f"Connecting to Temporal at {address}")
        yield TemporalServer(address, "", await connect())
        return
    show_status("Starting Temporal's server")
    port, ui_port = free_port(7233), free_port(8233)
    command = server_command(port=port, ui_port=ui_port, file=folder / "temporal.db")
    async with running_process("temporal", command, folder=folder) as running:
        address = f"127.0.0.1:{port}"
        client = await connect(address=address, lazy=True)
        await wait_until_ready("temporal", lambda: _is_healthy(client), running, folder)
        yield TemporalServer(address, f"http://127.0.0.1:{ui_port}", client)


async def _is_healthy(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    except (RPCError, RuntimeError):  # RuntimeError: nothing listens at the address yet
        return False


async def _has_workers(client: Client) -> bool:
    """Return whether a worker polls every task queue."""
    kinds = {
        queues.WORKFLOWS: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        queues.GOOGLE: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        queues.LONG: TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    }
    for queue, kind in kinds.items():
        described = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind)
        )
        if not described.pollers:
            return False
    return True
