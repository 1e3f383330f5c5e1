"""The demo's story: open the hotel, report, wait, compare."""

import asyncio
from collections.abc import Callable

import httpx

from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from starter.local.demo.bookings import ROOM_NAMES, Report
from starter.local.demo.comparison import Comparison, compare, expected_lines, found_lines
from starter.local.dev import LocalParts, connect_merchant

EMAIL = "resort-hotel@gmail.example"
TIME_ZONE = "Europe/Lisbon"
AT_ONCE = 50
LOOKS_EVERY = 0.5

Told = Callable[[int, int], None]


class Outcome(Message):
    """How the story ended."""

    bookings: int
    reports: int
    seconds: float
    comparison: Comparison
    google_calls: dict[str, int]


async def open_hotel(parts: LocalParts, merchant: str, rooms: set[str]) -> None:
    """The hotel connects its Google account and turns synchronization on for its rooms."""
    await connect_merchant(parts, merchant, EMAIL, TIME_ZONE)
    for room in sorted(rooms):
        settings = OwnerSettings(name=room_name(room), time_zone=TIME_ZONE, guest_data=GuestData.FULL)
        await parts.slotsync.put_owner(merchant, Owner.product(room), settings)


def room_name(product: str) -> str:
    """What guests call a room type."""
    letter = product.removeprefix("room-").upper()
    return ROOM_NAMES.get(letter, f"Room {letter}")


async def tell(parts: LocalParts, reports: list[Report], told: Told) -> None:
    """Reports every snapshot, day by day, many at once."""
    done = 0
    for start in range(0, len(reports), AT_ONCE):
        some = reports[start : start + AT_ONCE]
        # Snapshots of one reservation may overtake each other here, as they may between a platform's servers.
        await asyncio.gather(*(parts.slotsync.report(report.reservation) for report in some))
        done += len(some)
        told(done, len(reports))


async def until_settled(parts: LocalParts, final: dict[str, Reservation], told: Told) -> None:
    """Waits until each reservation is in step at its newest version."""
    (merchant,) = {each.merchant for each in final.values()}
    settled = 0
    while settled < len(final):
        await asyncio.sleep(LOOKS_EVERY)
        shown = await parts.slotsync.settled_versions(merchant)
        settled = sum(shown.get(each.id, -1) >= each.version for each in final.values())
        told(settled, len(final))


async def look(parts: LocalParts, final: dict[str, Reservation]) -> tuple[Comparison, dict[str, int]]:
    """Google's calendars against the reservations, and how many calls that took, by method."""
    calendars = {item.product: room_name(item.product) for each in final.values() for item in each.items}
    async with httpx.AsyncClient(base_url=parts.google, timeout=60) as google:
        found = await found_lines(google, EMAIL)
        calls = (await google.get("/sandbox/calls", params={"limit": 1})).raise_for_status().json()["totals"]
    return compare(expected_lines(final.values(), calendars), found), calls


def newest(reports: list[Report]) -> dict[str, Reservation]:
    """The last word on each reservation."""
    final: dict[str, Reservation] = {}
    for report in reports:
        known = final.get(report.reservation.id)
        if known is None or known.version < report.reservation.version:
            final[report.reservation.id] = report.reservation
    return final
