from datetime import timedelta

import pytest

from slotsync.rules.workflow_ids import calendar_id, reservation_id
from tests.world import GUIDE, MERCHANT, TOUR, World, item, snapshot, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(fast_world: World) -> World:
    await fast_world.open_shop()
    return fast_world


async def test_a_calendar_whose_creation_was_lost_twice_exists_once(shop: World) -> None:
    await shop.fault(method="calendars.insert", kind="lost_response", count=3)
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        made = await shop.client.get_workflow_handle(calendar_id(MERCHANT, TOUR)).result()
    assert (await shop.calendars()) == {"sunset-tour": made}
    assert await shop.titles() == ["v1"]


async def test_an_account_that_may_make_no_more_calendars_waits_hours_and_goes_on(shop: World) -> None:
    await shop.fault(method="calendars.insert", kind="quotaExceeded", count=2)
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await shop.settled(1)
        handle = shop.client.get_workflow_handle(calendar_id(MERCHANT, TOUR))
        await handle.result()
        took = (await handle.fetch_history()).events[-1].event_time.ToDatetime() - (
            await handle.fetch_history()
        ).events[0].event_time.ToDatetime()
    assert took > timedelta(hours=1)
    assert await shop.titles(TOUR) == await shop.titles(GUIDE) == ["v1"]


async def test_a_creation_that_nobody_heard_of_and_a_cancellation_leave_nothing(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, name="R-0"))
        await shop.settled(1, "R-0")
        await shop.fault(method="events.insert", kind="lost_response", probability=1)
        await shop.fault(method="events.get", kind="drop", probability=1)
        before = await shop.writes()
        await shop.slotsync.report(snapshot(1))

        async def created() -> bool:
            return len(await shop.events()) == 2 and await shop.writes() > before + 2

        await until(created)
        await shop.slotsync.cancel(MERCHANT, "R-1", version=2)
        await shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).result()
    assert await shop.titles() == ["v1"]
