"""All parts on one machine, running."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import httpx
from cryptography.fernet import Fernet
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.temporal import queues
from slotsync.temporal.dev_server import server_command
from slotsync.temporal.options import connect
from starter.client import Slotsync
from starter.local.processes import free_port, process, slotsync_command, until_ready, write_environment

SCOPES = (
    "openid",
    "email",
    "https://www.googleapis.com/auth/calendar.app.created",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    "https://www.googleapis.com/auth/calendar.events.freebusy",
)
CLIENT_ID = "slotsync-local"
BEYOND_ANY_DEMO = "1000000"

WORKSHOP = "arctic-kayaks"
"""The merchant to try things with."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Temporal:
    """Where Temporal's server and its UI are, and a client for it."""

    address: str
    ui_url: str
    client: Client


@dataclass(frozen=True)
class LocalParts:
    """Where the parts are, and what talks to them."""

    api: str
    api_key: str
    google: str
    temporal: str
    temporal_ui: str
    environment: Path
    slotsync: Slotsync
    connections: Connections
    client: Client

    def places(self) -> dict[str, str]:
        """Where to look, for programs."""
        names = ("api", "api_key", "google", "temporal", "temporal_ui")
        return {name: getattr(self, name) for name in names}


@asynccontextmanager
async def local_parts(folder: Path, tell: Tell, *, quotas: bool) -> AsyncIterator[LocalParts]:
    """Everything running, with its state in this folder. Without ``quotas`` neither side counts calls."""
    folder.mkdir(parents=True, exist_ok=True)
    google, api = f"http://127.0.0.1:{free_port(8085)}", f"http://127.0.0.1:{free_port(8080)}"
    variables = _set_environment(folder.resolve(), google, api, quotas=quotas)
    settings = Settings.load()
    vault = Vault(settings.encryption_keys)
    store = Store.open(settings.database_url)
    store.upgrade()
    async with _local_google(folder, google, tell, quotas=quotas), _temporal(folder, vault, tell) as temporal:
        variables["TEMPORAL_ADDRESS"] = temporal.address
        write_environment(folder / "environment", variables)
        async with _worker_and_api(folder, variables, temporal, api, tell):
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


async def connect_merchant(parts: LocalParts, merchant: str, email: str, time_zone: str) -> None:
    """Gives the merchant a Google account, and slotsync its grant."""
    async with httpx.AsyncClient(base_url=parts.google) as google:
        (await google.post("/sandbox/accounts", json={"email": email, "time_zone": time_zone})).raise_for_status()
        grant = {"client_id": CLIENT_ID, "scopes": list(SCOPES)}
        answer = (await google.post(f"/sandbox/accounts/{email}/grant", json=grant)).raise_for_status()
    parts.connections.save_grant(merchant, answer.json()["refresh_token"], SCOPES, email)


async def settings_link(parts: LocalParts, merchant: str) -> str:
    """A link to the merchant's settings page, as a platform gets it."""
    async with httpx.AsyncClient(base_url=parts.api, headers={"Authorization": f"Bearer {parts.api_key}"}) as api:
        answer = (await api.post(f"/v1/merchants/{merchant}/settings-link")).raise_for_status()
    return str(answer.json()["url"])


async def open_workshop(parts: LocalParts) -> None:
    """A merchant to try things with: the one of the README, connected, with a tour and its guide."""
    await connect_merchant(parts, WORKSHOP, "arctic-kayaks@gmail.example", "Europe/Helsinki")
    for owner, name in ((Owner.product("sunset-tour"), "Sunset tour"), (Owner.resource("guide-1"), "Guide Aino")):
        settings = OwnerSettings(name=name, time_zone="Europe/Helsinki")
        await parts.slotsync.put_owner(WORKSHOP, owner, settings)


def _set_environment(folder: Path, google: str, api: str, *, quotas: bool) -> dict[str, str]:
    """For this process and those that it starts; answers with what was set."""
    own = {
        "SLOTSYNC_DATA_FOLDER": str(folder),
        "SLOTSYNC_DATABASE_URL": f"sqlite:///{folder}/slotsync.db",
        "SLOTSYNC_ENCRYPTION_KEYS": _secret_in(folder / "encryption.key", Fernet.generate_key().decode()),
        "SLOTSYNC_API_KEYS": _secret_in(folder / "api.key", token_urlsafe(32)),
        "SLOTSYNC_PUBLIC_URL": api,
        "SLOTSYNC_GOOGLE_ENDPOINT": google,
        "SLOTSYNC_GOOGLE_CLIENT_ID": CLIENT_ID,
        "SLOTSYNC_GOOGLE_CLIENT_SECRET": "local",
    }
    if not quotas:
        own["SLOTSYNC_GOOGLE_CALLS_PER_USER_MINUTE"] = BEYOND_ANY_DEMO
        own["SLOTSYNC_GOOGLE_CALLS_PER_PROJECT_MINUTE"] = BEYOND_ANY_DEMO
    os.environ.update(own)
    return own


def _secret_in(file: Path, new: str) -> str:
    """What this file keeps, for its owner's eyes; the new one on first use."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(new)
    return file.read_text()


@asynccontextmanager
async def _local_google(folder: Path, url: str, tell: Tell, *, quotas: bool) -> AsyncIterator[None]:
    tell("Starting the local Google")
    port = url.rsplit(":", 1)[1]
    limits = [] if quotas else ["--no-quotas"]
    command = slotsync_command("sandbox", "--port", port, "--state", str(folder / "google.state"), *limits)
    async with process("google", command, folder=folder) as running:
        await until_ready("google", lambda: _is_success(f"{url}/sandbox/accounts"), running, folder)
        yield


@asynccontextmanager
async def _worker_and_api(
    folder: Path, variables: dict[str, str], temporal: Temporal, url: str, tell: Tell
) -> AsyncIterator[None]:
    """The two parts of slotsync itself; they start side by side."""
    work, serve = slotsync_command("worker"), slotsync_command("api", "--port", url.rsplit(":", 1)[1])
    async with (
        process("worker", work, folder=folder, environment=variables) as worker,
        process("api", serve, folder=folder, environment=variables) as api,
    ):
        tell("Waiting for the worker")
        await until_ready("worker", lambda: _polled(temporal.client), worker, folder)
        tell("Waiting for the API")
        await until_ready("api", lambda: _is_success(f"{url}/readyz"), api, folder)
        yield


async def _is_success(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        try:
            return (await http.get(url)).is_success
        except httpx.TransportError:
            return False


@asynccontextmanager
async def _temporal(folder: Path, vault: Vault, tell: Tell) -> AsyncIterator[Temporal]:
    """The server of TEMPORAL_ADDRESS where that is set, else one of our own."""
    if address := os.environ.get("TEMPORAL_ADDRESS"):
        tell(f"Connecting to Temporal at {address}")
        yield Temporal(address, "", await connect(vault))
        return
    tell("Starting Temporal's server")
    port, ui_port = free_port(7233), free_port(8233)
    command = server_command(port=port, ui_port=ui_port, file=folder / "temporal.db")
    async with process("temporal", command, folder=folder) as running:
        address = f"127.0.0.1:{port}"
        client = await connect(vault, address=address, lazy=True)
        await until_ready("temporal", lambda: _answers(client), running, folder)
        yield Temporal(address, f"http://127.0.0.1:{ui_port}", client)


async def _answers(client: Client) -> bool:
    try:
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    except (RPCError, RuntimeError):  # the latter while nobody listens there
        return False


async def _polled(client: Client) -> bool:
    """Whether a worker listens on every queue."""
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
