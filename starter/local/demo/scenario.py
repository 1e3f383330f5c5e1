"""The steps of the demo: connect the hotel, report, wait, compare."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import httpx

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from starter.local.demo.bookings import ROOM_NAMES, Report
from starter.local.demo.comparison import Comparison, compare, expected_entries, read_entries
from starter.local.dev import LocalParts, connect_merchant

HOTEL_NAME = "Resort Hotel"
EMAIL = "resort-hotel@gmail.example"
TIME_ZONE = "Europe/Lisbon"
MAX_PARALLEL_REPORTS = 50
CHECK_INTERVAL = timedelta(seconds=0.5)

ProgressCallback = Callable[[int, int], None]
"""Called with the number that is done and the total."""


class DemoResult(Message):
    """The result of the demo; ``seconds`` is the duration of all steps."""

    bookings: int
    reports: int
    seconds: float
    comparison: Comparison
    google_calls: dict[str, int]


async def connect_hotel(parts: LocalParts, merchant: str, rooms: set[str]) -> None:
    """Connect the hotel's Google account, and turn synchronization on for its rooms."""
    await connect_merchant(parts, merchant, HOTEL_NAME, EMAIL, TIME_ZONE)
    for room in sorted(rooms):
        settings = OwnerSettings(name=room_name(room), time_zone=TIME_ZONE, guest_data=GuestData.FULL)
        await parts.slotsync.put_owner(merchant, Owner.product(room), settings)


def room_name(product: str) -> str:
    """Return the name of a room type for guests."""
    letter = product.removeprefix("room-").upper()
    return ROOM_NAMES.get(letter, f"Room {letter}")


async def send_reports(parts: LocalParts, reports: Sequence[Report], show_progress: ProgressCallback) -> None:
    """Report every snapshot, day by day, many in parallel."""
    done = 0
    for start in range(0, len(reports), MAX_PARALLEL_REPORTS):
        batch = reports[start : start + MAX_PARALLEL_REPORTS]
        # Snapshots of one reservation may overtake each other here, as they may between a platform's servers.
        await asyncio.gather(*(parts.slotsync.report(report.reservation) for report in batch))
        done += len(batch)
        show_progress(done, len(reports))


async def wait_until_settled(parts: LocalParts, final: dict[str, Reservation], show_progress: ProgressCallback) -> None:
    """Wait until each reservation is in step at its newest version."""
    (merchant,) = {each.merchant for each in final.values()}
    settled = 0
    while settled < len(final):
        await asyncio.sleep(CHECK_INTERVAL.total_seconds())
        versions = await parts.slotsync.settled_versions(merchant)
        settled = sum(versions.get(each.id, -1) >= each.version for each in final.values())
        show_progress(settled, len(final))


async def compare_calendars(parts: LocalParts, final: dict[str, Reservation]) -> tuple[Comparison, dict[str, int]]:
    """Compare Google's calendars with the reservations. Return the comparison, and the number of calls by method."""
    calendars = {item.product: room_name(item.product) for each in final.values() for item in each.items}
    async with httpx.AsyncClient(base_url=parts.google, timeout=60) as google:
        found = await read_entries(google, EMAIL)
        calls = (await google.get("/sandbox/calls", params={"limit": 1})).raise_for_status().json()["totals"]
    return compare(expected_entries(final.values(), calendars), found), calls


def newest_snapshots(reports: Sequence[Report]) -> dict[str, Reservation]:
    """Return the newest snapshot of each reservation, by reservation id."""
    final: dict[str, Reservation] = {}
    for report in reports:
        known = final.get(report.reservation.id)
        if known is None or known.version < report.reservation.version:
            final[report.reservation.id] = report.reservation
    return final
