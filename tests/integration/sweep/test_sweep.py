"""The sweep brings back what was lost: signals, and workflows that somebody ended."""

import pytest
from sqlalchemy import update
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.reservations.snapshot import Item
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.base import table_of
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.tables.calendars import OwnerRow
from slotsync.temporal.schedules import SWEEP, ensure_schedules, trigger_sweep
from slotsync.temporal.signals import signal_availability, signal_connection
from tests.support.managed_calendars import in_google, shown
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of, snapshot
from tests.support.stored_messages import put_message
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

ALL_IDS = (
    reservation_id(MERCHANT, "R-1"),
    calendar_id(MERCHANT, TOUR),
    connection_id(MERCHANT),
    availability_id(MERCHANT, TOUR.id),
)


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR)
    return world


async def open_all(world: World) -> None:
    """Have a workflow of each type run, with nothing to do."""
    await world.slotsync.report(snapshot(1))
    await world.settled(1)
    await signal_connection(world.client, MERCHANT, "granted")
    BlockingCalendars(world.store, world.vault).replace(MERCHANT, TOUR, [PickableCalendar(id=EMAIL, name="Own")])
    await signal_availability(world.client, MERCHANT, TOUR.id)
    await until(lambda: all_run(world))
    await until(lambda: is_listed(world))


async def status(world: World, workflow_id: str) -> WorkflowExecutionStatus | None:
    return (await world.client.get_workflow_handle(workflow_id).describe()).status


async def all_run(world: World) -> bool:
    return {await status(world, each) for each in ALL_IDS} == {WorkflowExecutionStatus.RUNNING}


async def is_listed(world: World) -> bool:
    """Return whether Temporal's index knows all of them, which it learns late."""
    listed = {each.id async for each in world.client.list_workflows("ExecutionStatus = 'Running'")}
    return listed >= {*ALL_IDS}


async def test_a_report_of_which_the_signal_was_lost_is_taken_up(open_world: World) -> None:
    open_world.store_report(snapshot(1))
    async with open_world.working():
        assert (await sweep(open_world)).reservations == 1
        await open_world.settled(1)
        assert (await sweep(open_world)).total == 0
    assert await open_world.titles() == ["v1"]


async def test_settings_of_which_the_signal_was_lost_are_taken_up(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await until(lambda: nothing_due(open_world))
        Owners(open_world.store).put(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        assert (await sweep(open_world)).calendars == 1
        await shown(open_world, TOUR, ["Reserved"])


async def nothing_due(world: World) -> bool:
    return Owners(world.store).find_due(utc_now()) == []


async def test_a_disconnection_of_which_the_signal_was_lost_is_taken_up(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        Disconnections(open_world.store, open_world.vault).request(MERCHANT, CalendarChoice.DELETE, utc_now())
        assert (await sweep(open_world)).connections == 1

        async def done() -> bool:
            return ConnectionIntents(open_world.store).plan(MERCHANT).step == "close"

        await until(done)
    assert await in_google(open_world) == []


@pytest.mark.parametrize("workflow_id", ALL_IDS, ids=lambda each: each.partition(":")[0])
async def test_a_terminated_workflow_runs_again(open_world: World, workflow_id: str) -> None:
    async with open_world.working():
        await open_all(open_world)
        await open_world.client.get_workflow_handle(workflow_id).terminate("by mistake")

        async def back() -> bool:  # Temporal's index learns late that it has ended
            await sweep(open_world, everything=True)
            return await status(open_world, workflow_id) is WorkflowExecutionStatus.RUNNING

        await until(back, poll_interval=0.5)
    assert await open_world.titles() == ["v1"]
    assert await open_world.writes() == 1


async def test_a_product_with_a_message_that_waits_gets_its_workflow_back(open_world: World) -> None:
    put_message(open_world.store, open_world.vault, "m-1", "one", utc_now())
    async with open_world.working():
        assert (await sweep(open_world)).products == 0, "its first attempt is not overdue yet"
        assert (await sweep(open_world, everything=True)).products == 1


async def test_a_cancellation_that_was_swept_already_is_not_left_to_a_terminated_workflow(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await sweep(open_world)
        await until(lambda: grant_served(open_world))  # serving it wakes what waits, too
        await open_world.fault(method="events.delete", kind="backendError", probability=1)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        assert (await sweep(open_world)).reservations == 1
        await open_world.client.get_workflow_handle(ALL_IDS[0]).terminate("by mistake")
        await open_world.heal()

        async def settled() -> bool:
            await sweep(open_world, everything=True)  # again and again: the index learns of the termination late
            sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
            return sync_status is not None and sync_status.settled_version == 2

        await until(settled)
    assert await open_world.titles() == []


@pytest.mark.parametrize("refused", ["a\u200bb", "x" * 2000], ids=["by today's rules", "by Temporal"])
async def test_an_id_that_is_refused_holds_up_nobody_else(refused: str, open_world: World) -> None:
    """Such an id was stored when the rules were others."""
    with open_world.store.write() as connection:
        connection.execute(update(table_of(OwnerRow)).values(id=refused))
    Owners(open_world.store).put(MERCHANT, TOUR, settings_of(TOUR))
    open_world.store_report(snapshot(1))
    async with open_world.working():
        found = await sweep(open_world, everything=True)
        # What is due may be found once more as not running: Temporal's index learns late that it runs.
        assert found.reservations in {1, 2}
        assert found.calendars in {1, 2}
        await open_world.settled(1)


async def test_a_reservation_of_a_product_that_todays_rules_refuse_is_synchronized(open_world: World) -> None:
    old = Owner(kind=OwnerKind.PRODUCT, id="a\u200bb")
    Owners(open_world.store).put(MERCHANT, old, settings_of(old))
    booked = Item.model_construct(**dict(snapshot(1).items[0]) | {"product": old.id})
    open_world.store_report(snapshot(1).model_copy(update={"items": (booked,)}))
    async with open_world.working():
        await sweep(open_world)
        await open_world.settled(1)
    assert await open_world.titles(old) == ["v1"]


async def test_what_an_operator_has_stopped_is_not_started(open_world: World) -> None:
    async with open_world.working():
        await open_all(open_world)
        for workflow_id in ALL_IDS[:2]:
            await open_world.client.get_workflow_handle(workflow_id).cancel()
            with pytest.raises(WorkflowFailureError):
                await open_world.client.get_workflow_handle(workflow_id).result()
        await sweep(open_world, everything=True)
        for workflow_id in ALL_IDS[:2]:
            assert await status(open_world, workflow_id) is WorkflowExecutionStatus.CANCELED


async def test_a_write_that_is_being_retried_goes_on_undisturbed(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await sweep(open_world)
        await until(lambda: grant_served(open_world))
        await open_world.fault(method="events.update", kind="backendError", probability=1)
        await open_world.slotsync.report(snapshot(2))

        async def retried() -> bool:
            return 500 in await open_world.statuses("events.update")

        await until(retried)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        (pending,) = (await handle.describe()).raw_description.pending_activities
        due_rows = Reservations(open_world.store, open_world.vault).due_rows
        due_rows.postpone([(MERCHANT, "R-1")], utc_now(), utc_now())
        assert (await sweep(open_world)).reservations == 1
        (still,) = (await handle.describe()).raw_description.pending_activities
        assert still.activity_id == pending.activity_id
        await open_world.heal()
        await open_world.settled(2)


async def grant_served(world: World) -> bool:
    """Return whether all work was signalled for the merchant's grant: that begins writes anew."""
    return ConnectionIntents(world.store).plan(MERCHANT).step == "wait"


async def test_the_schedules_are_made_once_and_sweep_at_once(open_world: World) -> None:
    open_world.store_report(snapshot(1))
    async with open_world.working():
        assert await ensure_schedules(open_world.client, "this one")
        assert not await ensure_schedules(open_world.client, "this one")
        await open_world.settled(1)
        await trigger_sweep(open_world.client)
        described = await open_world.client.get_schedule_handle(SWEEP).describe()
    assert described.info.num_actions >= 1
