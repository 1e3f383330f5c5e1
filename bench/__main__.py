"""``make bench``: how fast a reservation reaches Google, and how many a machine can take.

Everything runs on this machine, as separate processes: the local Google without quotas, Temporal's server, one worker.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import psutil

from slotsync.domain.reservations.snapshot import Reservation
from starter.local.demo.bookings import MERCHANT, read_bookings, reports_of
from starter.local.demo.story import newest, open_hotel, tell, until_settled
from starter.local.dev import LocalParts, local_parts

BOOKINGS = Path("starter/demo/resort-hotel-bookings.csv")
CALM = 50
MANY = 500


async def main() -> None:
    reports = reports_of(read_bookings(BOOKINGS, datetime.now(UTC).date(), MANY))
    with tempfile.TemporaryDirectory() as folder:
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            await open_hotel(parts, MERCHANT, {item.product for report in reports for item in report.reservation.items})
            await latency(parts, [report.reservation for report in reports][:CALM])
            before = cpu_seconds()
            final = newest(reports)
            began = monotonic()
            await tell(parts, reports, silent)
            told = monotonic() - began
            await until_settled(parts, final, silent)
            took = monotonic() - began
            used = cpu_seconds() - before
    print(f"many at once: {len(reports)} reports of {len(final)} reservations")
    print(f"  reporting        {len(reports) / told:8.1f} a second")
    print(f"  in step          {len(final) / took:8.1f} reservations a second, all after {took:.1f} s")
    print(f"  CPU              {1000 * used / len(final):8.0f} ms a reservation, all processes together")


def silent(done: int, total: int) -> None:
    """Shows no progress: it would be measured, too."""


async def latency(parts: LocalParts, snapshots: Sequence[Reservation]) -> None:
    """One reservation after the other: from ``report`` to the note that Google shows it."""
    seconds = []
    for number, snapshot in enumerate(snapshots):
        named = snapshot.model_copy(update={"id": f"calm-{number}", "version": 1})
        began = monotonic()
        await parts.slotsync.report(named)
        while named.id not in await parts.slotsync.settled_versions(MERCHANT):  # noqa: ASYNC110  another process
            await asyncio.sleep(0.005)
        seconds.append(monotonic() - began)
    cuts = statistics.quantiles(seconds[1:], n=100)
    print(f"one at a time: {len(seconds)} reservations, from report to an event in Google")
    print(f"  first            {1000 * seconds[0]:8.0f} ms, with its calendar made")
    print(f"  median           {1000 * cuts[49]:8.0f} ms")
    print(f"  95th percentile  {1000 * cuts[94]:8.0f} ms")


def cpu_seconds() -> float:
    """CPU time of this process and those that it started."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


asyncio.run(main())
