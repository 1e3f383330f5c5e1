"""``make bench-availability``: the cost of knowing when products are busy.

Everything runs on this machine, as separate processes: the local Google without quotas, Temporal's server, workers.
"""

import asyncio
import os
import tempfile
from asyncio.subprocess import Process
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated

import psutil
import typer

from bench.merchants import (
    Merchant,
    create_merchant,
    find_workers,
    get_call_times,
    get_watch_states,
    has_workers,
    pick_calendars,
    start_workflows,
    wait_until,
    wait_until_watched,
)
from starter.local.dev import LocalParts, local_parts
from starter.local.processes import running_process, slotsync_command

MINUTE = timedelta(minutes=1)
CALLS_A_USER_MINUTE = 600
"""Google's quota."""

CALENDARS_A_CALL = 50
SHARED_PRODUCTS, SHARED_CALENDARS, WORKERS, SHARED_POLL_SECONDS = 100, 60, 3, 5
IDLE_MERCHANTS, IDLE_CALENDARS, IDLE_POLL_SECONDS = 20, 3, 60


def main(
    products: Annotated[int, typer.Option(help="Idle products on one worker.")] = 1000,
    minutes: Annotated[float, typer.Option(help="How long to observe them.")] = 10,
    polls: Annotated[int, typer.Option(help="Poll periods in which the calls of one account are counted.")] = 40,
    shared: Annotated[bool, typer.Option(help="Count the calls of one account.")] = True,
    idle: Annotated[bool, typer.Option(help="Measure idle products.")] = True,
) -> None:
    """Print the figures."""
    if shared:
        asyncio.run(count_calls(polls))
    if idle:
        asyncio.run(measure_idle(products, minutes))


@asynccontextmanager
async def running_parts(seconds: int) -> AsyncIterator[tuple[LocalParts, Path]]:
    """Run all parts without push, because with push calendars are read every ten minutes only."""
    os.environ.update(SLOTSYNC_POLL_SECONDS=str(seconds), SLOTSYNC_GOOGLE_PUSH="off")
    with tempfile.TemporaryDirectory() as folder:
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            yield parts, Path(folder)


async def count_calls(polls: int) -> None:
    """Count the calls for many products of one account on several workers, one of which is killed and replaced."""
    async with running_parts(SHARED_POLL_SECONDS) as (parts, folder), AsyncExitStack() as more:
        for number in range(2, WORKERS + 1):
            await more.enter_async_context(running_worker(f"worker-{number}", parts, folder))
        await wait_until(lambda: has_workers(parts.client, WORKERS))
        merchant = await create_merchant(parts, "one-account", SHARED_PRODUCTS, SHARED_CALENDARS)
        await asyncio.to_thread(pick_calendars, merchant, 3)
        await start_workflows(parts.client, [merchant])
        await wait_until_watched(parts.client, [merchant])
        calm = await average_calls(parts, merchant, polls)
        disturbed = await average_calls(parts, merchant, polls, replace_worker(parts, folder, more))
        watched = sum(each.watched for each in await get_watch_states(parts.client, [merchant]))
        every = await get_call_times(parts, merchant.email)
    expected = -(-SHARED_CALENDARS // CALENDARS_A_CALL)
    print(f"{SHARED_PRODUCTS} products of one account over {SHARED_CALENDARS} calendars, {WORKERS} workers")
    print(
        f"  near days are read every {SHARED_POLL_SECONDS} s here, to be quick (SLOTSYNC_POLL_SECONDS; 60 by default)"
    )
    print(f"  calls a period   {calm:8.2f} against {expected}, in {polls} periods")
    print(f"  with a worker    {disturbed:8.2f} against {expected}, killed and started again in {polls} periods")
    print(f"  watched then     {watched:8} of {SHARED_PRODUCTS} products")
    print(f"  in a minute      {max_calls_a_minute(every):8} calls at most, of any kind; allowed {CALLS_A_USER_MINUTE}")


async def average_calls(
    parts: LocalParts, merchant: Merchant, polls: int, meanwhile: "AsyncIterator[None] | None" = None
) -> float:
    """Return the average number of calls for busy times in a poll period."""
    began = datetime.now(UTC)
    rest = SHARED_POLL_SECONDS * polls / 2
    await asyncio.sleep(rest)
    if meanwhile:
        await anext(meanwhile)
    await asyncio.sleep(rest)
    ended = datetime.now(UTC)
    calls = [each for each in await get_call_times(parts, merchant.email, "freebusy.query") if began <= each < ended]
    return len(calls) * SHARED_POLL_SECONDS / (ended - began).total_seconds()


def running_worker(name: str, parts: LocalParts, folder: Path) -> "AbstractAsyncContextManager[Process]":
    environment = {"TEMPORAL_ADDRESS": parts.temporal}
    return running_process(name, slotsync_command("worker"), folder=folder, environment=environment)


async def replace_worker(parts: LocalParts, folder: Path, more: AsyncExitStack) -> AsyncIterator[None]:
    """Kill a worker, start another one, and yield."""
    find_workers()[0].kill()
    await more.enter_async_context(running_worker("worker-again", parts, folder))
    yield


def max_calls_a_minute(calls: Sequence[datetime]) -> int:
    """Return the greatest number of calls in any minute."""
    return max(bisect_left(calls, at + MINUTE) - place for place, at in enumerate(calls))


async def measure_idle(products: int, minutes: float) -> None:
    """Measure products without changes on one worker."""
    async with running_parts(IDLE_POLL_SECONDS) as (parts, _):
        each_has = products // IDLE_MERCHANTS
        merchants = [
            await create_merchant(parts, f"merchant-{number}", each_has, IDLE_CALENDARS)
            for number in range(IDLE_MERCHANTS)
        ]
        await asyncio.gather(*(asyncio.to_thread(pick_calendars, each, IDLE_CALENDARS) for each in merchants))
        (worker,) = find_workers()
        empty, began = worker.memory_info().rss, monotonic()
        busy = cpu_seconds(worker)
        await start_workflows(parts.client, merchants)
        started = monotonic() - began
        await wait_until_watched(parts.client, merchants)
        watched, busy = monotonic() - began, cpu_seconds(worker) - busy
        print(
            f"{each_has * IDLE_MERCHANTS} idle products of {IDLE_MERCHANTS} accounts, {IDLE_CALENDARS} calendars each"
        )
        print(f"  started          {started:8.1f} s, all at once; watched after {watched:.1f} s, {busy:.1f} s of CPU")
        await observe_idle(parts, merchants, worker, minutes)
        full = worker.memory_info().rss
        print(f"  memory           {(full - empty) / products / 1024:8.0f} kB a product; {full / 2**20:.0f} MB in all")


async def observe_idle(
    parts: LocalParts, merchants: Sequence[Merchant], worker: psutil.Process, minutes: float
) -> None:
    before, cpu = await get_watch_states(parts.client, merchants), cpu_seconds(worker)
    calls = len(await get_call_times(parts))
    await asyncio.sleep(minutes * 60)
    used = cpu_seconds(worker) - cpu
    after = await get_watch_states(parts.client, merchants)
    grown = sum(now.history - then.history for then, now in zip(before, after, strict=True))
    polls = len(before) * minutes * 60 / IDLE_POLL_SECONDS
    print(f"  in {minutes:g} minutes    {grown:8} events were added to all {len(after)} histories together")
    print(f"  watched still    {sum(each.watched for each in after):8} products")
    print(f"  calls to Google  {len(await get_call_times(parts)) - calls:8}, {polls:.0f} product-polls")
    print(
        f"  CPU              {1000 * used / polls:8.2f} ms a product-poll, {100 * used / minutes / 60:.1f} % of a core"
    )


def cpu_seconds(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    typer.run(main)
