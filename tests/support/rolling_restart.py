"""Processes of one installation with different encryption keys, side by side."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import select

from slotsync.secrets import Vault
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.instance import WorkerRow
from starter.local.processes import running_process, slotsync_command, wait_until_ready
from tests.support.http import tls
from tests.support.machine import Machine
from tests.support.processes import environment_of, free_ports
from tests.support.samples import MERCHANT, TOUR
from tests.support.waiting import until

Ring = tuple[str, ...]


@dataclass(frozen=True)
class Api:
    """An API process, as the platform sees it."""

    http: httpx.AsyncClient

    async def get(self, path: str) -> Any:
        """Return what the API answers about the merchant."""
        return (await self.http.get(f"/v1/merchants/{MERCHANT}{path}")).raise_for_status().json()

    async def report(self, reservation: str, version: int) -> None:
        """Report a version, and wait until Google shows it."""
        item = {"product": TOUR.id, "start": "2027-07-01T18:00:00+03:00", "end": "2027-07-01T20:00:00+03:00"}
        content = {"version": version, "status": "confirmed", "title": f"{reservation} v{version}", "items": [item]}
        path = f"/v1/merchants/{MERCHANT}/reservations/{reservation}"
        (await self.http.put(path, json=content)).raise_for_status()

        async def settled() -> bool:
            return bool((await self.get(f"/reservations/{reservation}"))["settled_version"] == version)

        await until(settled, 120)

    async def disconnect(self) -> None:
        """Disconnect the merchant, and wait until that is cleaned up."""
        path = f"/v1/merchants/{MERCHANT}/google"
        (await self.http.delete(path, params={"calendars": "delete"})).raise_for_status()

        async def cleaned_up() -> bool:
            return not (await self.get("/google"))["cleaning_up"]

        await until(cleaned_up, 60)


@dataclass
class Installation:
    """Starts and ends processes on a machine of which Google and Temporal run."""

    machine: Machine
    at_end: AsyncExitStack
    _running: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def start_worker(self, name: str, ring: Ring) -> None:
        """Start a worker, and wait until it is known to live."""

        async def known() -> bool:
            return Vault(ring).fingerprints in await asyncio.to_thread(self._living)

        await self._start(name, ring, ["worker"], known)

    async def start_api(self, name: str, ring: Ring) -> Api:
        """Start an API on a port of its own, and wait until it answers."""
        (port,) = free_ports(1)
        (key,) = self.machine.settings.api_keys
        allowed = {"Authorization": f"Bearer {key.get_secret_value()}"}
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=allowed, verify=tls())
        await self.at_end.enter_async_context(http)

        async def ready() -> bool:
            try:
                return (await http.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await self._start(name, ring, ["api", "--port", str(port)], ready)
        return Api(http)

    async def stop(self, *names: str) -> None:
        """End these processes with SIGTERM."""
        for name in names:
            await self._running.pop(name).aclose()

    async def run(self, ring: Ring, *arguments: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and its output."""
        command = slotsync_command(*arguments)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=self._environment(ring))
        output, errors = await process.communicate()
        return process.returncode or 0, (output + errors).decode()

    async def needed(self, ring: Ring) -> list[bool]:
        """Return of each key of the ring whether anything needs it still, as the command says."""
        _, output = await self.run(ring, "keys", "status", "--json")
        return [each["needed"] for each in json.loads(output)]

    async def _start(self, name: str, ring: Ring, command: list[str], ready: Callable[[], Awaitable[bool]]) -> None:
        self._running[name] = own = await self.at_end.enter_async_context(AsyncExitStack())
        folder, environment = self.machine.folder, self._environment(ring)
        started = running_process(name, slotsync_command(*command), folder=folder, environment=environment)
        await wait_until_ready(name, ready, await own.enter_async_context(started), folder)

    def _environment(self, ring: Ring) -> dict[str, str]:
        settings = self.machine.settings.model_copy(update={"encryption_keys": tuple(map(SecretStr, ring))})
        return {**os.environ, **environment_of(settings, self.machine.client)}

    def _living(self) -> list[tuple[str, ...]]:
        """Return the fingerprints of the keys of each living worker."""
        store = Store.open(self.machine.settings.database_url)
        try:
            with store.read() as session:
                found = session.connection().execute(select(table_of(WorkerRow).c["keys"])).scalars().all()
        finally:
            store.close()
        return [tuple(keys.split())[:-1] for keys in found]


@asynccontextmanager
async def installation_on(machine: Machine) -> AsyncIterator[Installation]:
    """Yield an installation without processes; those that are started end with it."""
    async with AsyncExitStack() as at_end:
        yield Installation(machine, at_end)
