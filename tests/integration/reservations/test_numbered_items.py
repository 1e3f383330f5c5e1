"""What a merchant adds to the event of an item without an id stays with that item."""

import pytest

from slotsync.domain.reservations.snapshot import Item
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def report(world: World, version: int, *items: Item) -> None:
    await world.slotsync.report(snapshot(version, *items, title="Tour"))
    await world.settled(version)


async def add_guest_and_place(world: World, address: str, start: str) -> None:
    """Add a guest and a place to the event that starts on this day, as a merchant does."""
    calendar = (await world.calendars())[TOUR.id]
    (event,) = (each for each in await world.events() if start in str(each["start"]))
    path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}"
    body = {"attendees": [{"email": address}], "location": f"Pier of {address}"}
    (await world.http.patch(path, json=body)).raise_for_status()


async def touches(world: World) -> dict[str, tuple[list[str], str]]:
    """Return guests and place by day."""
    found = {}
    for event in await world.events():
        start, guests = event["start"], event.get("attendees", [])
        assert isinstance(start, dict)
        assert isinstance(guests, list)
        found[str(start["dateTime"])[:10]] = ([each["email"] for each in guests], str(event.get("location")))
    return found


async def test_guests_and_places_stay_with_their_day_whatever_becomes_of_the_others(world: World) -> None:
    await world.add_merchant()
    async with world.working():
        await report(world, 1, item(day=1), item(day=2))
        await add_guest_and_place(world, "anna@example.com", "2027-07-01")
        await add_guest_and_place(world, "bo@example.com", "2027-07-02")
        both = await touches(world)
        await report(world, 2, item(day=2), item(day=1))
        assert await touches(world) == both
        assert await world.calls("events.update") == 0, "nothing has changed"
        await report(world, 3, item(day=2))
        assert await touches(world) == {"2027-07-02": both["2027-07-02"]}
        await report(world, 4, item(day=2), item(day=3))
        assert await touches(world) == {"2027-07-02": both["2027-07-02"], "2027-07-03": ([], "None")}
        status = await world.slotsync.status(MERCHANT, "R-1")
        assert status
        assert [(each.item, each.state) for each in status.events] == [
            ("1", "deleted"),
            ("2", "in_step"),
            ("3", "in_step"),
        ]
