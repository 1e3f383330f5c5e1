"""A lowered level of guest data reaches events that people have restored, too."""

from functools import partial

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import signal_connection
from starter.services.timeline import TimelineService
from tests.support.managed_calendars import shown
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.two_calendars import book, is_settled, status
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_restored_events_of_cancelled_bookings_go_when_the_level_is_lowered(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await world.slotsync.report(snapshot(1, title="Mervi's kayaks"))
        await world.settled(1)
        (event,) = await world.events()
        await world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await world.settled(2)
        calendar = (await world.calendars())[TOUR.id]
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}/restore"
        (await world.http.post(path)).raise_for_status()
        await shown(world, TOUR, ["Mervi's kayaks"])
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await shown(world, TOUR, [])
        await until(partial(is_settled, world, "R-1"))
        assert ("looked_for_restored", 2) in await timeline(world, "R-1")
        looks = await world.calls("events.list")
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="full"))
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await until(partial(is_settled, world, "R-1"))
        assert await world.calls("events.list") == looks, "each is looked for once"


async def timeline(world: World, name: str) -> list[tuple[str, int | None]]:
    found = await TimelineService(world.client, world.store, world.vault).get(MERCHANT, name)
    assert found
    return [(each.what, each.version) for each in found.happenings]


PAST = item(resources=[GUIDE.id], start="2020-07-01T18:00:00+03:00", end="2020-07-01T20:00:00+03:00")


async def test_a_lower_level_does_not_wait_for_a_time_zone_that_google_refuses_and_that_follows_once_it_takes_it(
    world: World,
) -> None:
    await world.add_merchant(TOUR, GUIDE)
    async with world.working():
        await book(world, "R-1", item(resources=[GUIDE.id]))
        await book(world, "R-2", PAST)
        await refuse_zones(world, "Europe/Oslo")
        changes = {"guest_data": "busy", "time_zone": "Europe/Oslo"}
        for owner in (TOUR, GUIDE):
            await world.slotsync.put_owner(MERCHANT, owner, settings_of(owner, **changes))
        for owner in (TOUR, GUIDE):
            await shown(world, owner, ["Reserved", "Reserved"])
        await book(world, "R-1", item(resources=[GUIDE.id], day=2), version=2)
        told = await status(world, "R-1")
        assert {each.last_error for each in told.events} == {"invalid"}
        assert "time zone" in told.remedy
        assert await zones(world, TOUR) == {"2020": "Europe/Helsinki", "2027": "Europe/Helsinki"}
        await refuse_zones(world)
        writes = await world.writes()
        for owner in (TOUR, GUIDE):
            await world.slotsync.put_owner(MERCHANT, owner, settings_of(owner, on_unknown="sell", **changes))
        for owner in (TOUR, GUIDE):
            await until(partial(has_zones, world, owner, {"2020": "Europe/Helsinki", "2027": "Europe/Oslo"}))
        await until(partial(is_settled, world, "R-1"))
        assert (await world.writes() - writes, (await status(world, "R-1")).remedy) == (2, "")


async def refuse_zones(world: World, *names: str) -> None:
    """Let Google know all time zones but these."""
    (await world.http.patch("/sandbox/behaviour", json={"unknown_zones": names})).raise_for_status()


async def zones(world: World, owner: Owner) -> dict[str, str]:
    """Return the time zones of the events in the owner's calendar, by year."""
    starts = [each["start"] for each in await world.events(owner)]
    return {start["dateTime"][:4]: start["timeZone"] for start in starts if isinstance(start, dict)}


async def has_zones(world: World, owner: Owner, expected: dict[str, str]) -> bool:
    return await zones(world, owner) == expected


async def test_a_level_that_is_lowered_without_a_grant_reaches_what_was_deleted_once_there_is_one(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        for name in ("R-1", "R-2"):
            await world.slotsync.report(snapshot(1, name=name, title=name))
            await world.settled(1, name)
        (event,) = [each for each in await world.events() if each["summary"] == "R-1"]
        await world.slotsync.cancel(MERCHANT, "R-1", version=2)
        await world.settled(2)
        calendar = (await world.calendars())[TOUR.id]
        path = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}/restore"
        (await world.http.post(path)).raise_for_status()
        (await world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()
        await world.slotsync.cancel(MERCHANT, "R-2", version=2)
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await until(partial(_is_level_taken_up, world))
        assert await world.titles() == ["R-1", "R-2"]
        await world.connect()
        await signal_connection(world.client, MERCHANT, "granted")
        await shown(world, TOUR, [])
        await until(partial(is_settled, world, "R-1"))
        await until(partial(is_settled, world, "R-2"))


async def _is_level_taken_up(world: World) -> bool:
    intent = Owners(world.store).get_intent(MERCHANT, TOUR)
    assert intent
    return intent.applied_revision == intent.revision
