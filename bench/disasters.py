"""``python -m bench.disasters``: how long it takes until all is right again, without a report.

Everything runs on this machine, as separate processes: the local Google without quotas, Temporal's server, one worker.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from temporalio.service import RPCError

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.search_attributes import RUNNING
from slotsync.temporal.signals import signal_availability, signal_connection
from tests.support.comparison import compared
from tests.support.killed_reporters import report_and_be_killed
from tests.support.machine import Machine, machine, world_on
from tests.support.samples import TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

CHANGED = 20
"""Every so many reservations, one is changed while Temporal is away; the signal is lost."""

PARALLEL = 20


def main(
    kills: Annotated[int, typer.Option(help="Reports of which the process is killed before the signal.")] = 200,
    reservations: Annotated[int, typer.Option(help="Open reservations when Temporal's database is deleted.")] = 1000,
    merchants: Annotated[int, typer.Option(help="Their merchants, each with a product that is watched.")] = 20,
) -> None:
    """Print what was lost, and the times."""
    asyncio.run(kill_reporters(kills))
    asyncio.run(lose_temporal(reservations, merchants))


@asynccontextmanager
async def running_machine() -> AsyncIterator[tuple[Machine, World]]:
    with tempfile.TemporaryDirectory() as folder:
        async with machine(Path(folder), killed_at_end=True) as built:
            await asyncio.gather(built.google.start(), built.temporal.start())
            await built.worker.start()
            async with world_on(built) as world:
                yield built, world


async def kill_reporters(kills: int) -> None:
    """Report, each time from a process that is killed between the store's commit and the signal."""
    reports = [snapshot(1, name=f"R-{number}", title=f"v{number}") for number in range(kills)]
    async with running_machine() as (built, world):
        await world.add_merchant(TOUR)
        await report_and_be_killed(built, built.client.service_client.config.target_host, reports)
        began = monotonic()
        await until(lambda: are_settled(world, reports), 900, poll_interval=1)
        took = monotonic() - began
        comparison = await compared(world, reports)
    print(f"{kills} processes killed between commit and signal: {comparison}")
    print(f"  all in Google {took:.0f} s after the last kill, by the Schedule alone")


async def lose_temporal(count: int, merchants: int) -> None:
    """Delete Temporal's database under open reservations, products and connections, and wait."""
    async with running_machine() as (built, world):
        newest = await fill(world, count, merchants)
        wanted = ids(newest)
        await until(lambda: all_run(world, wanted), 900, poll_interval=1)
        calls = await world.writes()
        print(f"{count} reservations, {merchants} merchants with a watched product: {len(wanted)} workflows run")
        await built.temporal.kill()
        built.delete_database("temporal.db")
        changed = [change(each) for each in newest[::CHANGED]]
        for each in changed:
            Reservations(world.store, world.vault).report(each, datetime.now(UTC))
        newest = [*changed, *(each for place, each in enumerate(newest) if place % CHANGED)]
        await built.temporal.start()
        began = monotonic()
        await until(lambda: are_settled(world, changed), 900, poll_interval=1)
        print(
            f"  {len(changed)} changes, of which the signal was lost, are in Google after {monotonic() - began:.0f} s"
        )
        await until(lambda: all_run(world, wanted), 900, poll_interval=1)
        print(f"  all {len(wanted)} workflows run again after {monotonic() - began:.0f} s")
        await until(lambda: is_quiet(world), 900, poll_interval=1)
        print(f"  nothing is left to do after {monotonic() - began:.0f} s")
        for merchant in sorted({each.merchant for each in newest}):
            own = [each for each in newest if each.merchant == merchant]
            comparison = await compared(world, own, email_of(merchant))
            assert comparison.perfect, (merchant, comparison)
        print(f"  Google's calendars are right; {await world.writes() - calls} writes, {len(changed)} were needed")


async def fill(world: World, count: int, merchants: int) -> list[Reservation]:
    """Book so many reservations, and have a product of each merchant watched."""
    names = [f"merchant-{number}" for number in range(merchants)]
    for name in names:
        await world.add_merchant(TOUR, merchant=name, email=email_of(name))
        await signal_connection(world.client, name, "granted")
        picked = [PickableCalendar(id=email_of(name), name="Own")]
        BlockingCalendars(world.store, world.vault).replace(name, TOUR, picked)
        await signal_availability(world.client, name, TOUR.id)
    reports = [
        snapshot(1, item(day=1 + number % 28), name=f"R-{number}", merchant=names[number % merchants])
        for number in range(count)
    ]
    for start in range(0, count, PARALLEL):
        await asyncio.gather(*map(world.slotsync.report, reports[start : start + PARALLEL]))
    await until(lambda: are_settled(world, reports), 900, poll_interval=1)
    return reports


def email_of(merchant: str) -> str:
    return f"{merchant}@gmail.example"


def change(reservation: Reservation) -> Reservation:
    return reservation.model_copy(update={"version": reservation.version + 1, "title": "Changed meanwhile"})


def ids(reservations: Sequence[Reservation]) -> set[str]:
    """Return the ids of all workflows that should run."""
    merchants = {each.merchant for each in reservations}
    own = {reservation_id(each.merchant, each.id) for each in reservations}
    calendars = {calendar_id(each, Owner.product(TOUR.id)) for each in merchants}
    return own | calendars | {f(each) for each in merchants for f in (connection_id, _availability_id)}


def _availability_id(merchant: str) -> str:
    return availability_id(merchant, TOUR.id)


async def are_settled(world: World, reservations: Iterable[Reservation]) -> bool:
    wanted = list(reservations)
    shown = {merchant: await world.slotsync.settled_versions(merchant) for merchant in {r.merchant for r in wanted}}
    return all(shown[each.merchant].get(each.id, -1) >= each.version for each in wanted)


async def all_run(world: World, wanted: set[str]) -> bool:
    try:
        return wanted <= {each.id async for each in world.client.list_workflows(RUNNING)}
    except RPCError:  # the server may still be starting
        return False


async def is_quiet(world: World) -> bool:
    """Return whether no workflow has anything left to do."""
    busy = f"{RUNNING} AND SlotsyncHealth != 'in_step'"
    return (await world.client.count_workflows(busy)).count == 0


if __name__ == "__main__":
    typer.run(main)
