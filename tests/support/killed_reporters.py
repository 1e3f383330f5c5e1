"""Processes that report a reservation, and are killed between the store's commit and the signal."""

import asyncio
import multiprocessing
import os
import random
import signal
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from typing import Any

from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from typing_extensions import override

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.temporal.options import slotsync_plugin
from starter.client import Slotsync
from tests.support.machine import Machine

LONGEST_LIFE = 0.01  # seconds; longer than the server takes to note a signal
MAX_PROCESSES = 4


class Killer(Interceptor):
    """Kills its own process: before the signal is sent, or at a random time after."""

    @override
    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _KillingOutbound(next)


class _KillingOutbound(OutboundInterceptor):
    @override
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        if random.random() < 0.5:
            die()
        asyncio.get_running_loop().call_later(random.uniform(0, LONGEST_LIFE), die)
        return await super().start_workflow(input)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def report_and_die(address: str, database_url: str, key: str, report: str) -> None:
    """Report a reservation as JSON; the process never returns from it, or right after."""
    asyncio.run(_report(address, database_url, Vault([key]), Reservation.model_validate_json(report)))


async def _report(address: str, database_url: str, vault: Vault, reservation: Reservation) -> None:
    client = await Client.connect(address, plugins=[slotsync_plugin()], interceptors=[Killer()])
    await Slotsync(client, Store.open(database_url), vault).report(reservation)
    die()


async def report_and_be_killed(machine: Machine, address: str, reports: Sequence[Reservation]) -> None:
    """Report each reservation by a process that is killed; return when all processes are dead."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.support.killed_reporters"])
    limit = asyncio.Semaphore(MAX_PROCESSES)
    (key,) = machine.settings.encryption_keys
    arguments = (address, machine.settings.database_url, key.get_secret_value())

    async def one(report: Reservation) -> None:
        async with limit:
            await asyncio.to_thread(_run, forks, (*arguments, report.model_dump_json()))

    await asyncio.gather(*map(one, reports))


def _run(forks: ForkServerContext, arguments: tuple[str, ...]) -> None:
    process = forks.Process(target=report_and_die, args=arguments)
    process.start()
    process.join()
    # 255: many die at once, and the fork server sometimes misses how.
    assert process.exitcode in {-signal.SIGKILL, 255}
