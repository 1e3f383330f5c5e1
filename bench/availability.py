"""``make bench-availability``: what it takes to know when products are busy.

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
    are_working,
    calls_of,
    open_merchant,
    pick,
    standings,
    start,
    until,
    until_watched,
    workers,
)
from starter.local.dev import LocalParts, local_parts
from starter.local.processes import process, slotsync_command

MINUTE = timedelta(minutes=1)
QUOTA = 600
"""Google's, for one user and minute."""

SHARED_PRODUCTS, SHARED_CALENDARS, WORKERS, SHARED_POLL = 100, 60, 3, 5
IDLE_MERCHANTS, IDLE_CALENDARS, IDLE_POLL = 20, 3, 60


def main(
    products: Annotated[int, typer.Option(help="Idle products on one worker.")] = 1000,
    minutes: Annotated[float, typer.Option(help="How long to look at them.")] = 10,
    polls: Annotated[int, typer.Option(help="Poll periods in which the calls of one account are counted.")] = 40,
    shared: Annotated[bool, typer.Option(help="Count the calls of one account.")] = True,
    idle: Annotated[bool, typer.Option(help="Measure idle products.")] = True,
) -> None:
    """Prints the figures."""
    if shared:
        asyncio.run(count_calls(polls))
    if idle:
        asyncio.run(measure_idle(products, minutes))


@asynccontextmanager
async def parts_polling(seconds: int) -> AsyncIterator[tuple[LocalParts, Path]]:
    """All parts, without push: with it, calendars are read every ten minutes only."""
    os.environ.update(SLOTSYNC_POLL_SECONDS=str(seconds), SLOTSYNC_GOOGLE_PUSH="off")
    with tempfile.TemporaryDirectory() as folder:
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            yield parts, Path(folder)


async def count_calls(polls: int) -> None:
    """Many products of one account on several workers, one of which is killed and started again."""
    async with parts_polling(SHARED_POLL) as (parts, folder), AsyncExitStack() as more:
        for number in range(2, WORKERS + 1):
            await more.enter_async_context(another_worker(f"worker-{number}", parts, folder))
        await until(lambda: are_working(parts.client, WORKERS))
        merchant = await open_merchant(parts, "one-account", SHARED_PRODUCTS, SHARED_CALENDARS)
        await asyncio.to_thread(pick, merchant, 3)
        await start(parts.client, [merchant])
        await until_watched(parts.client, [merchant])
        calm = await calls_while(parts, merchant, polls)
        disturbed = await calls_while(parts, merchant, polls, replaced_worker(parts, folder, more))
        watched = sum(each.watched for each in await standings(parts.client, [merchant]))
        every = await calls_of(parts, merchant.email)
    expected = -(-SHARED_CALENDARS // 50)
    print(f"{SHARED_PRODUCTS} products of one account over {SHARED_CALENDARS} calendars, {WORKERS} workers")
    print(f"  near days are read every {SHARED_POLL} s here, to be quick (SLOTSYNC_POLL_SECONDS; 60 by default)")
    print(f"  calls a period   {calm:8.2f} against {expected}, in {polls} periods")
    print(f"  with a worker    {disturbed:8.2f} against {expected}, killed and started again in {polls} periods")
    print(f"  watched then     {watched:8} of {SHARED_PRODUCTS} products")
    print(f"  in a minute      {busiest(every):8} calls at most, of any kind; Google's quota is {QUOTA}")


async def calls_while(
    parts: LocalParts, merchant: Merchant, polls: int, meanwhile: "AsyncIterator[None] | None" = None
) -> float:
    """Calls for busy times in each poll period, from one of them to the last."""
    began = datetime.now(UTC)
    rest = SHARED_POLL * polls / 2
    await asyncio.sleep(rest)
    if meanwhile:
        await anext(meanwhile)
    await asyncio.sleep(rest)
    ended = datetime.now(UTC)
    calls = [each for each in await calls_of(parts, merchant.email, "freebusy.query") if began <= each < ended]
    return len(calls) * SHARED_POLL / (ended - began).total_seconds()


def another_worker(name: str, parts: LocalParts, folder: Path) -> "AbstractAsyncContextManager[Process]":
    environment = {"TEMPORAL_ADDRESS": parts.temporal}
    return process(name, slotsync_command("worker"), folder=folder, environment=environment)


async def replaced_worker(parts: LocalParts, folder: Path, more: AsyncExitStack) -> AsyncIterator[None]:
    """Kills a worker, and starts another one."""
    workers()[0].kill()
    await more.enter_async_context(another_worker("worker-again", parts, folder))
    yield


def busiest(calls: Sequence[datetime]) -> int:
    """The greatest number of calls in any minute."""
    return max(bisect_left(calls, at + MINUTE) - place for place, at in enumerate(calls))


async def measure_idle(products: int, minutes: float) -> None:
    """Products of which nothing is new, on one worker."""
    async with parts_polling(IDLE_POLL) as (parts, _):
        each_has = products // IDLE_MERCHANTS
        merchants = [
            await open_merchant(parts, f"merchant-{number}", each_has, IDLE_CALENDARS)
            for number in range(IDLE_MERCHANTS)
        ]
        await asyncio.gather(*(asyncio.to_thread(pick, each, IDLE_CALENDARS) for each in merchants))
        (worker,) = workers()
        empty, began = worker.memory_info().rss, monotonic()
        busy = cpu_seconds(worker)
        await start(parts.client, merchants)
        started = monotonic() - began
        await until_watched(parts.client, merchants)
        watched, busy = monotonic() - began, cpu_seconds(worker) - busy
        print(
            f"{each_has * IDLE_MERCHANTS} idle products of {IDLE_MERCHANTS} accounts, {IDLE_CALENDARS} calendars each"
        )
        print(f"  started          {started:8.1f} s, all at once; watched after {watched:.1f} s, {busy:.1f} s of CPU")
        await look_at_idle(parts, merchants, worker, minutes)
        full = worker.memory_info().rss
        print(f"  memory           {(full - empty) / products / 1024:8.0f} kB a product; {full / 2**20:.0f} MB in all")


async def look_at_idle(
    parts: LocalParts, merchants: Sequence[Merchant], worker: psutil.Process, minutes: float
) -> None:
    before, cpu, calls = await standings(parts.client, merchants), cpu_seconds(worker), len(await calls_of(parts))
    await asyncio.sleep(minutes * 60)
    used = cpu_seconds(worker) - cpu
    after = await standings(parts.client, merchants)
    grown = sum(now.history - then.history for then, now in zip(before, after, strict=True))
    polls = len(before) * minutes * 60 / IDLE_POLL
    print(f"  in {minutes:g} minutes    {grown:8} events were added to all {len(after)} histories together")
    print(f"  watched still    {sum(each.watched for each in after):8} products")
    print(f"  calls to Google  {len(await calls_of(parts)) - calls:8}, {polls:.0f} product-polls")
    print(
        f"  CPU              {1000 * used / polls:8.2f} ms a product-poll, {100 * used / minutes / 60:.1f} % of a core"
    )


def cpu_seconds(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    typer.run(main)
