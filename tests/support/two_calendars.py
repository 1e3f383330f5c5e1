"""A merchant with two calendars, and what people and accounts do to them: drag, take away, give back, change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import Item
from slotsync.temporal.signals import signal_connection
from starter.services.status import SyncStatus
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

BOAT = Owner.product("boat")
OTHER_EMAIL = "other@gmail.example"


@asynccontextmanager
async def out_of_reach(world: World, calendar: str, role: str = "none") -> AsyncIterator[None]:
    """Take access to the calendar away for the block."""
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/access"
    before = (await world.http.get(address)).raise_for_status().json()
    (await world.http.patch(address, json={"role": role})).raise_for_status()
    yield
    (await world.http.patch(address, json=before)).raise_for_status()


async def book(world: World, name: str, booked: Item | None = None, version: int = 1) -> None:
    """Report this version of a reservation, and wait until it is settled."""
    await world.slotsync.report(snapshot(version, booked or item(), name=name, title=f"{name} v{version}"))
    await world.settled(version, name)


async def status(world: World, name: str) -> SyncStatus:
    """Return the status of a reservation that is known."""
    found = await world.slotsync.status(MERCHANT, name)
    assert found
    return found


async def states(world: World, name: str) -> set[SyncState]:
    """Return the states of a reservation's events."""
    return {event.state for event in (await status(world, name)).events}


async def titles_in(world: World, calendar: str) -> list[str]:
    """Return the titles in a calendar of the first account, by its id."""
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
    found = (await world.http.get(address)).raise_for_status().json()["items"]
    return sorted(each["summary"] for each in found)


async def until_titles_in(world: World, calendar: str, titles: list[str]) -> None:
    """Wait until the calendar has these titles."""

    async def as_expected() -> bool:
        return await titles_in(world, calendar) == titles

    await until(as_expected)


async def drag_to_the_boat(world: World, title: str) -> None:
    """Drag the event with this title from the tour's calendar to the boat's."""
    calendars = await world.calendars()
    (dragged,) = (each for each in await world.events() if each["summary"] == title)
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendars[TOUR.id]}/events/{dragged['id']}/move"
    (await world.http.post(address, json={"destination": calendars[BOAT.id]})).raise_for_status()


async def look_at_the_calendar(world: World) -> None:
    """Have the calendar's workflow look now, as it does each day."""
    await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Sunset tour, renamed"))


async def connect(world: World, email: str = EMAIL) -> None:
    """Connect an account as the merchant does."""
    await world.connect(email=email, resume_all=True)
    await signal_connection(world.client, MERCHANT, "granted")


async def calendars_named(world: World, name: str) -> list[str]:
    """Return the ids of the first account's calendars with this name."""
    answer = (await world.http.get(f"/sandbox/accounts/{EMAIL}/calendars")).raise_for_status()
    return [each["id"] for each in answer.json()["items"] if each["summary"] == name]


async def is_named(world: World, name: str) -> bool:
    """Return whether one calendar has this name."""
    return len(await calendars_named(world, name)) == 1


async def shown_in_other(world: World, count: int) -> None:
    """Wait until the tour's calendar in the other account has so many events."""

    async def moved() -> bool:
        return len(await world.titles(email=OTHER_EMAIL)) == count

    await until(moved)


async def is_owed(world: World, name: str) -> bool:
    """Return whether something of the reservation waits to be deleted, and it says so."""
    found = await status(world, name)
    owed = SyncState.TO_DELETE in {event.state for event in found.events}
    return owed and not found.settled and "waits to be deleted" in found.remedy


async def is_settled(world: World, name: str) -> bool:
    """Return whether the reservation is settled."""
    return (await status(world, name)).settled


async def are_titles_after_sweeps(world: World, calendar: str, titles: list[str]) -> bool:
    """Sweep, and return whether the calendar has these titles."""
    await sweep(world)
    return await titles_in(world, calendar) == titles
