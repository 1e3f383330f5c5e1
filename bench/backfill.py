"""``python -m bench.backfill``: how long one merchant's booking takes while another's calendar is filled.

Everything runs on this machine, as separate processes: the local Google without quotas, Temporal's server, one worker.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated

import typer

from bench.disasters import PARALLEL, are_settled, email_of, running_machine
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import Reservation
from tests.support.samples import TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

FILLED, BOOKED = "merchant-a", "merchant-b"


def main(
    reservations: Annotated[int, typer.Option(help="Reservations of the merchant that is filled in.")] = 1000,
    bookings: Annotated[int, typer.Option(help="Bookings of the other merchant while nothing else happens.")] = 100,
) -> None:
    """Print the other merchant's latencies, idle and during the back-fill."""
    asyncio.run(measure(reservations, bookings))


async def measure(reservations: int, bookings: int) -> None:
    async with running_machine() as (_, world):
        for name in (FILLED, BOOKED):
            await world.add_merchant(TOUR, merchant=name, email=email_of(name))
        await world.slotsync.turn_off(FILLED, TOUR, remove_events=True)
        await store_reports(world, reservations)
        await book(world, "first")
        show("idle", idle := [await book(world, f"idle-{number}") for number in range(bookings)])
        began = monotonic()
        await world.slotsync.turn_on(FILLED, TOUR)
        during = await book_until(world, lambda: is_filled(world, reservations))
        print(f"{reservations} reservations were filled in after {monotonic() - began:.0f} s")
        show("during the back-fill", during)
        print(f"95th percentile during the back-fill / idle: {percentile(during) / percentile(idle):.2f}")


async def store_reports(world: World, count: int) -> None:
    """Report the reservations of which the product is not synchronized yet."""
    reports = [snapshot(1, item(day=1 + number % 28), name=f"R-{number}", merchant=FILLED) for number in range(count)]
    for start in range(0, count, PARALLEL):
        await asyncio.gather(*map(world.slotsync.report, reports[start : start + PARALLEL]))
    await until(lambda: are_settled(world, reports), 900, poll_interval=1)


async def book_until(world: World, is_done: Callable[[], Awaitable[bool]]) -> list[float]:
    """Book one reservation after the other until the back-fill is done."""
    seconds: list[float] = []
    while not await is_done():
        seconds.append(await book(world, f"during-{len(seconds)}"))
    return seconds


async def book(world: World, name: str) -> float:
    """Return the seconds from the report to the event in Google."""
    reservation = snapshot(1, name=name, merchant=BOOKED)
    began = monotonic()
    await world.slotsync.report(reservation)
    await until(lambda: is_settled(world, reservation), poll_interval=0.005)
    return monotonic() - began


async def is_settled(world: World, reservation: Reservation) -> bool:
    status = await world.slotsync.status(reservation.merchant, reservation.id)
    return status is not None and status.settled_version == reservation.version


async def is_filled(world: World, count: int) -> bool:
    progress = await world.slotsync.backfill_progress(FILLED, TOUR)
    return progress.events.get(SyncState.IN_STEP, 0) >= count


def show(name: str, seconds: list[float]) -> None:
    print(
        f"{name}: {len(seconds)} bookings, median {1000 * statistics.median(seconds):.0f} ms, "
        f"95th percentile {1000 * percentile(seconds):.0f} ms, worst {1000 * max(seconds):.0f} ms"
    )


def percentile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[94]


if __name__ == "__main__":
    typer.run(main)
