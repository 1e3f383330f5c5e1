from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.availability.confirmation import Verdict
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.workflow_ids import availability_id
from slotsync.store.calendars.owners import Owners
from starter.services.connections import ConnectionService
from tests.support.availability_listener import LISTENER, listening, received_by
from tests.support.availability_webhooks import (
    HOUR,
    TOMORROW,
    closed_from,
    received_messages,
    starts,
    text,
    until_received,
)
from tests.support.availability_world import AvailabilityWorld
from tests.support.buttons import cancel
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.stored_messages import waiting_bodies
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


async def test_a_busy_time_closes_the_product_and_the_platform_gets_a_webhook(availability: AvailabilityWorld) -> None:
    async with availability.world.working():
        await availability.block(EMAIL)
        event = await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 1)
        await closed_from(availability, TOMORROW)
        await availability.free(event)
        await until_received(availability, 2)
        await closed_from(availability)
    busy, free = received_messages(availability)
    hour = {"start": text(TOMORROW), "end": text(TOMORROW + HOUR)}
    assert busy["changed"] == free["changed"] == [hour]
    assert busy["slots"] == [{**hour, "state": "busy", "closed": True}]
    assert (free["slots"], free["complete"]) == ([], True)


async def test_a_booking_over_a_busy_time_that_is_known_is_told_as_a_conflict_once(
    availability: AvailabilityWorld,
) -> None:
    start, end = TOMORROW, TOMORROW + HOUR
    async with availability.world.working():
        await availability.block(EMAIL)
        await availability.busy(start, end)
        await until_received(availability, 1)
        booked = item(start=start, end=end)
        await availability.world.slotsync.report(snapshot(1, booked))

        async def told() -> bool:
            return bool(availability.webhooks.messages_of_type("conflict.found"))

        await until(told)
        await availability.world.slotsync.report(snapshot(2, booked, title="changed"))
        await availability.world.settled(2)
        await availability.busy(end + HOUR, end + 2 * HOUR)
        await closed_from(availability, start, end + HOUR)
    (conflict,) = [each["data"] for each in availability.webhooks.messages_of_type("conflict.found")]
    assert (conflict["reservation"], conflict["start"]) == ("R-1", text(start))


async def test_changes_while_the_platform_is_down_are_sent_together_and_in_order(
    availability: AvailabilityWorld,
) -> None:
    hours = [TOMORROW + each * HOUR for each in (0, 2, 4, 6)]
    async with availability.world.working():
        await availability.block(EMAIL)
        availability.webhooks.fail(503)
        for number, hour in enumerate(hours, 1):
            await availability.busy(hour, hour + HOUR)
            await closed_from(availability, *hours[:number])
        availability.webhooks.heal()

        async def all_told() -> bool:
            return {start for each in received_messages(availability) for start in starts(each)} == {
                text(hour) for hour in hours
            }

        await until(all_told, 60)
    numbers = [int(str(each["number"])) for each in received_messages(availability)]
    assert numbers == sorted(numbers)
    assert len(numbers) < len(hours), "what waits is told at once"


async def test_a_subscribed_workflow_is_signalled_each_change_until_it_has_ended(
    availability: AvailabilityWorld,
) -> None:
    async with availability.world.working(), listening(availability.world.client) as listener:
        await availability.block(EMAIL)
        await availability.world.slotsync.subscribe(MERCHANT, TOUR.id, LISTENER)
        first = await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 1)
        await availability.free(first)
        await until_received(availability, 2)
        received = await received_by(listener)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_received(availability, 3)
    assert [(each.merchant, each.product, each.number) for each in received] == [
        (MERCHANT, TOUR.id, 1),
        (MERCHANT, TOUR.id, 2),
    ]


async def test_a_subscription_before_the_first_blocking_calendar_gets_the_first_busy_time(
    availability: AvailabilityWorld,
) -> None:
    async with availability.world.working(), listening(availability.world.client) as listener:
        await availability.world.slotsync.subscribe(MERCHANT, TOUR.id, LISTENER)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await availability.block(EMAIL)
        await until_received(availability, 1)
        assert [each.number for each in await received_by(listener)] == [1]
        await availability.world.slotsync.unsubscribe(MERCHANT, TOUR.id, LISTENER)
        await availability.block()
        await availability.world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id)).result()


async def test_a_busy_time_over_a_reservation_is_a_conflict_found_once(availability: AvailabilityWorld) -> None:
    slot = {"start": TOMORROW, "end": TOMORROW + HOUR}
    async with availability.world.working():
        await availability.world.slotsync.report(snapshot(1, item().model_copy(update=slot)))
        await availability.world.settled(1)
        await availability.block(EMAIL)
        await availability.busy(TOMORROW - HOUR, TOMORROW + HOUR)
        await until_received(availability, 1, "conflict.found")
        await availability.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
        await until_received(availability, 2)
    (conflict,) = received_messages(availability, "conflict.found")
    assert (conflict["reservation"], conflict["product"]) == ("R-1", TOUR.id)
    assert starts(conflict, "busy") == [text(TOMORROW - HOUR)]


async def test_a_product_that_nothing_blocks_any_more_is_free_and_its_workflow_ends(
    availability: AvailabilityWorld,
) -> None:
    async with availability.world.working():
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await availability.block(EMAIL)
        await until_received(availability, 1)
        await availability.block()
        await until_received(availability, 2)
        handle = availability.world.client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert received_messages(availability)[1]["slots"] == []


async def test_a_platform_that_is_away_while_a_merchant_disconnects_learns_that_all_is_free_and_no_busy_time(
    availability: AvailabilityWorld,
) -> None:
    world, told, untold = availability.world, text(TOMORROW), text(TOMORROW + 2 * HOUR)
    async with world.working():
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await availability.block(EMAIL)
        await until_received(availability, 1)
        availability.webhooks.fail(503)
        await availability.busy(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)

        async def refused() -> bool:
            return any(untold in each.body for each in availability.webhooks.attempts)

        await until(refused)
        service = ConnectionService(world.settings, world.store, world.vault, world.client)
        await service.disconnect(MERCHANT, CalendarChoice.KEEP)
        waiting = waiting_bodies(world.store, world.vault, ProductKey(merchant=MERCHANT, product=TOUR.id))
        assert not [body for body in waiting.values() if told in body or untold in body]
        availability.webhooks.heal()
        await until_received(availability, 2)
    first, last = received_messages(availability)
    assert int(str(last["number"])) > int(str(first["number"])) + 1, "one between them was dropped"
    assert (last["slots"], last["complete"], len(starts(last))) == ([], True, 1)


async def test_a_product_that_an_operator_stopped_is_unknown_and_the_platform_is_told(
    availability: AvailabilityWorld,
) -> None:
    client, slotsync = availability.world.client, availability.world.slotsync
    async with availability.world.working():
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await availability.block(EMAIL)
        await until_received(availability, 1)
        await cancel(client, availability_id(MERCHANT, TOUR.id))
        await until_received(availability, 2)
        stopped = await slotsync.explain(MERCHANT, TOUR.id, TOMORROW)
        answer = await slotsync.confirm(MERCHANT, TOUR.id, TOMORROW, TOMORROW + HOUR, within=timedelta(seconds=20))
        handle = client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        await handle.result()
        assert await slotsync.resume(MERCHANT) == 1
        await until_received(availability, 3)
        await closed_from(availability, TOMORROW)
    assert [each["complete"] for each in received_messages(availability)] == [True, False, True]
    assert "An operator has stopped the watching" in stopped.because
    assert answer.answer is Verdict.NO, "Google itself was asked, which goes on"


async def test_settings_count_at_once(availability: AvailabilityWorld) -> None:
    other = await availability.calendar("Boat")
    async with availability.world.working():
        await availability.block(EMAIL, other)
        await availability.busy(TOMORROW + HOUR, TOMORROW + 2 * HOUR)
        await closed_from(availability, TOMORROW + HOUR)
        await until_received(availability, 1)
        for wanted, at in (({"pad_before_minutes": 30}, [TOMORROW + HOUR / 2]), ({"free_calendars_needed": 1}, [])):
            before = len(received_messages(availability))
            Owners(availability.world.store).put(MERCHANT, TOUR, settings_of(TOUR, **wanted))
            await until_received(availability, before + 1)
            await closed_from(availability, *at)


async def test_operators_see_at_once_that_all_is_well(availability: AvailabilityWorld) -> None:
    client = availability.world.client
    async with availability.world.working():
        await availability.block(EMAIL)

        async def in_step() -> bool:
            well = "WorkflowType = 'ProductAvailabilityWorkflow' AND SlotsyncHealth = 'in_step'"
            return (await client.count_workflows(well)).count == 1

        await until(in_step, 30)
        workflow_handle = client.get_workflow_handle(availability_id(MERCHANT, TOUR.id))
        shown = str(await workflow_handle.query("__temporal_workflow_metadata"))

        async def says_what_it_read() -> bool:
            (pending,) = (await workflow_handle.describe()).raw_description.pending_activities
            return any(
                b"1 calendars of the account, last read" in each.data for each in pending.heartbeat_details.payloads
            )

        await until(says_what_it_read, 30)
    assert "1 calendars block the product" in shown
