import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.workflow_ids import availability_id
from slotsync.store.calendars.owners import Owners
from tests.support.availability_listener import LISTENER, heard_by, listening
from tests.support.availability_webhooks import HOUR, TOMORROW, closed_from, news, starts, text, told
from tests.support.availability_world import AvailabilityWorld
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


async def test_a_busy_time_closes_the_product_and_the_platform_hears_of_it(shop: AvailabilityWorld) -> None:
    async with shop.world.working():
        await shop.block(EMAIL)
        event = await shop.busy(TOMORROW, TOMORROW + HOUR)
        await told(shop, 1)
        await closed_from(shop, TOMORROW)
        await shop.free(event)
        await told(shop, 2)
        await closed_from(shop)
    busy, free = news(shop)
    hour = {"start": text(TOMORROW), "end": text(TOMORROW + HOUR)}
    assert busy["changed"] == free["changed"] == [hour]
    assert busy["slots"] == [{**hour, "state": "busy", "closed": True}]
    assert (free["slots"], free["complete"]) == ([], True)


async def test_what_changes_while_the_platform_is_down_is_told_together_and_in_order(shop: AvailabilityWorld) -> None:
    hours = [TOMORROW + each * HOUR for each in (0, 2, 4, 6)]
    async with shop.world.working():
        await shop.block(EMAIL)
        shop.platform.fail(503)
        for number, hour in enumerate(hours, 1):
            await shop.busy(hour, hour + HOUR)
            await closed_from(shop, *hours[:number])
        shop.platform.heal()

        async def all_told() -> bool:
            return {start for each in news(shop) for start in starts(each)} == {text(hour) for hour in hours}

        await until(all_told, 60)
    numbers = [int(str(each["number"])) for each in news(shop)]
    assert numbers == sorted(numbers)
    assert len(numbers) < len(hours), "what waits is told at once"


async def test_a_workflow_that_subscribed_hears_of_every_change_until_it_has_ended(shop: AvailabilityWorld) -> None:
    async with shop.world.working(), listening(shop.world.client) as listener:
        await shop.block(EMAIL)
        await shop.world.slotsync.subscribe(MERCHANT, TOUR.id, LISTENER)
        first = await shop.busy(TOMORROW, TOMORROW + HOUR)
        await told(shop, 1)
        await shop.free(first)
        await told(shop, 2)
        heard = await heard_by(listener)
        await shop.busy(TOMORROW, TOMORROW + HOUR)
        await told(shop, 3)
    assert [(each.number, each.changed[0].start) for each in heard] == [(1, TOMORROW), (2, TOMORROW)]


async def test_who_subscribes_before_anything_blocks_the_product_hears_of_the_first_busy_time(
    shop: AvailabilityWorld,
) -> None:
    async with shop.world.working(), listening(shop.world.client) as listener:
        await shop.world.slotsync.subscribe(MERCHANT, TOUR.id, LISTENER)
        await shop.busy(TOMORROW, TOMORROW + HOUR)
        await shop.block(EMAIL)
        await told(shop, 1)
        assert [each.number for each in await heard_by(listener)] == [1]
        await shop.world.slotsync.unsubscribe(MERCHANT, TOUR.id, LISTENER)
        await shop.block()
        await shop.world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id)).result()


async def test_a_busy_time_over_a_reservation_is_a_conflict_found_once(shop: AvailabilityWorld) -> None:
    slot = {"start": TOMORROW, "end": TOMORROW + HOUR}
    async with shop.world.working():
        await shop.world.slotsync.report(snapshot(1, item().model_copy(update=slot)))
        await shop.world.settled(1)
        await shop.block(EMAIL)
        await shop.busy(TOMORROW - HOUR, TOMORROW + HOUR)
        await told(shop, 1, "conflict.found")
        await shop.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
        await told(shop, 2)
    (conflict,) = news(shop, "conflict.found")
    assert (conflict["reservation"], conflict["product"]) == ("R-1", TOUR.id)
    assert starts(conflict, "busy") == [text(TOMORROW - HOUR)]


async def test_a_product_that_nothing_blocks_any_more_is_free_and_its_workflow_ends(shop: AvailabilityWorld) -> None:
    async with shop.world.working():
        await shop.busy(TOMORROW, TOMORROW + HOUR)
        await shop.block(EMAIL)
        await told(shop, 1)
        await shop.block()
        await told(shop, 2)
        handle = shop.world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert news(shop)[1]["slots"] == []


async def test_settings_count_at_once(shop: AvailabilityWorld) -> None:
    other = await shop.calendar("Boat")
    async with shop.world.working():
        await shop.block(EMAIL, other)
        await shop.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
        await closed_from(shop, TOMORROW + HOUR)
        await told(shop, 1)
        for wanted, at in (({"pad_before_minutes": 30}, [TOMORROW + HOUR / 2]), ({"free_calendars_needed": 1}, [])):
            before = len(news(shop))
            Owners(shop.world.store).put(MERCHANT, TOUR, settings_of(TOUR, **wanted))
            await told(shop, before + 1)
            await closed_from(shop, *at)


async def test_operators_see_at_once_that_all_is_well(shop: AvailabilityWorld) -> None:
    client = shop.world.client
    async with shop.world.working():
        await shop.block(EMAIL)

        async def in_step() -> bool:
            well = "WorkflowType = 'ProductAvailabilityWorkflow' AND SlotsyncHealth = 'in_step'"
            return (await client.count_workflows(well)).count == 1

        await until(in_step, 30)
        life = client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        shown = str(await life.query("__temporal_workflow_metadata"))

        async def says_what_it_read() -> bool:
            (pending,) = (await life.describe()).raw_description.pending_activities
            return any(
                b"1 calendars of the account, last read" in each.data for each in pending.heartbeat_details.payloads
            )

        await until(says_what_it_read, 30)
    assert "1 calendars block the product" in shown
