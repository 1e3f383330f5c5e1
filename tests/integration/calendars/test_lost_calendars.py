"""Calendars that Google lists with our mark, but does not let us use: another one is made, and never many."""

from datetime import timedelta

import pytest
from temporalio.testing import TimeSkipper

from slotsync.domain.reservations.event import SyncState
from tests.support.managed_calendars import in_google, workflow_handle
from tests.support.samples import EMAIL, MERCHANT, TOUR, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
REFUSED = (SyncState.WAITING, "no_access")


async def calls(world: World) -> int:
    totals = (await world.http.get("/sandbox/calls", params={"account": EMAIL})).raise_for_status().json()["totals"]
    return sum(number for method, number in totals.items() if method.startswith(("events.", "calendar")))


async def test_another_calendar_takes_the_place_of_one_that_the_app_may_not_use_any_more(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        (lost,) = (await world.calendars()).values()
        access = f"/sandbox/accounts/{EMAIL}/calendars/{lost}/access"
        (await world.http.patch(access, json={"client_id": ""})).raise_for_status()
        before = await calls(world)
        await world.slotsync.report(snapshot(1, name="R-2", title="second"))
        await world.settled(1, "R-2")
        await world.slotsync.report(snapshot(2))
        await world.settled(2)
        assert await calls(world) - before < 20
    assert len(await in_google(world)) == 2


async def test_a_calendar_that_google_lists_but_does_not_find_costs_few_calls_and_two_calendars_at_most(
    world_with_skipper: World, skipper: TimeSkipper
) -> None:
    world = world_with_skipper
    await world.add_merchant(TOUR)
    async with world.working():
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        for method in ("events.insert", "calendars.get"):
            await world.fault(method=method, kind="notFound", probability=1)
        before = await calls(world)
        await world.slotsync.report(snapshot(1, name="R-2", title="second"))

        async def told() -> bool:
            status = await world.slotsync.status(MERCHANT, "R-2")
            return bool(status and [(each.state, each.last_error) for each in status.events] == [REFUSED])

        await until(told, 20)
        await skipper.fast_forward(workflow_handle(world, TOUR), 0.9 * HOUR)
        spent = await calls(world) - before
        assert spent < 40
        assert await told()
        assert len(await in_google(world)) <= 2
        await world.heal()
        await skipper.fast_forward(workflow_handle(world, TOUR), HOUR)
        await world.settled(1, "R-2", within=20)
        await world.settled(1, within=20)
    assert sorted(await world.titles()) == ["second", "v1"]
    assert len(await in_google(world)) == 1
