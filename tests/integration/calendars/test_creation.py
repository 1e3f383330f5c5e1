from datetime import timedelta

import pytest
from temporalio.testing import TimeSkipper

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.workflow_ids import calendar_id, reservation_id
from slotsync.store.calendars.managed_calendars import Calendars
from tests.support.managed_calendars import life_of
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.calendar import DUPLICATE_CHECK_DELAY

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(skipping_world: World) -> World:
    await skipping_world.open_shop()
    return skipping_world


async def test_a_calendar_whose_creation_was_lost_twice_exists_once(shop: World, skipper: TimeSkipper) -> None:
    await shop.fault(method="calendars.insert", kind="lost_response", count=3)
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        await skipper.fast_forward(life_of(shop, TOUR), 2 * DUPLICATE_CHECK_DELAY)
        (made,) = Calendars(shop.store).of(MERCHANT, [TOUR])
    assert (await shop.calendars()) == {"sunset-tour": made.calendar_id}
    assert await shop.titles() == ["v1"]


async def test_an_account_that_may_make_no_more_calendars_waits_hours_and_goes_on(
    shop: World, skipper: TimeSkipper
) -> None:
    await shop.fault(method="calendars.insert", kind="quotaExceeded", count=2)
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        for owner in (TOUR, GUIDE):
            await held(shop, owner, "quotaExceeded")
            assert await shop.calendars() == {}
        for owner in (TOUR, GUIDE):
            assert await skipper.fast_forward(life_of(shop, owner), timedelta(minutes=61))
        await shop.settled(1)
    assert await shop.titles(TOUR) == await shop.titles(GUIDE) == ["v1"]


async def held(world: World, owner: Owner, reason: str) -> None:
    """Waits until the owner's calendar waits for this reason."""

    query = f"WorkflowId = '{calendar_id(MERCHANT, owner)}' AND SlotsyncReason = '{reason}'"

    async def so() -> bool:
        return (await world.client.count_workflows(query)).count == 1

    await until(so)


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
