"""``make bench``: the latency from a report to Google, and the throughput of one machine.

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
from starter.local.demo import SHIPPED_BOOKINGS
from starter.local.demo.bookings import MERCHANT, create_reports, read_bookings
from starter.local.demo.scenario import connect_hotel, newest_snapshots, send_reports, wait_until_settled
from starter.local.dev import LocalParts, local_parts

LATENCY_REPORTS = 50
THROUGHPUT_BOOKINGS = 500


async def main() -> None:
    reports = create_reports(read_bookings(SHIPPED_BOOKINGS, datetime.now(UTC).date(), THROUGHPUT_BOOKINGS))
    with tempfile.TemporaryDirectory() as folder:
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            await connect_hotel(
                parts, MERCHANT, {item.product for report in reports for item in report.reservation.items}
            )
            await measure_latency(parts, [report.reservation for report in reports][:LATENCY_REPORTS])
            before = cpu_seconds()
            final = newest_snapshots(reports)
            began = monotonic()
            await send_reports(parts, reports, ignore_progress)
            reported_after = monotonic() - began
            await wait_until_settled(parts, final, ignore_progress)
            settled_after = monotonic() - began
            used = cpu_seconds() - before
    print(f"many at once: {len(reports)} reports of {len(final)} reservations")
    print(f"  reporting        {len(reports) / reported_after:8.1f} a second")
    print(
        f"  in step          {len(final) / settled_after:8.1f} reservations a second, all after {settled_after:.1f} s"
    )
    print(f"  CPU              {1000 * used / len(final):8.0f} ms a reservation, all processes together")


def ignore_progress(done: int, total: int) -> None:
    """Show no progress, because showing it would be measured, too."""


async def measure_latency(parts: LocalParts, snapshots: Sequence[Reservation]) -> None:
    """Report reservations one after the other, and print the times from ``report`` until they are in step."""
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
    """Return the CPU time of this process and of those that it started."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))


asyncio.run(main())
