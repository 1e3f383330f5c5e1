"""What a merchant wanted of its connection is done, whatever happens to signals and workflows."""

import asyncio

import pytest
from sqlalchemy import text
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowExecutionStatus

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.domain.workflow_ids import connection_id
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.disconnections import Disconnections
from slotsync.temporal.signals import signal_connection
from starter.services.connections import MAX_WAITING_FOR_RESULT
from tests.support.buttons import pending_activities
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.parked_reservations import open_tours, report_reservations, until_all_settled, until_parked
from tests.support.samples import MERCHANT, TOUR
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def connect_and_report(connecting_merchant: ConnectionHarness) -> World:
    """Connect the merchant, and report two reservations to its calendar."""
    await open_tours(connecting_merchant.world)
    await connecting_merchant.connected()
    await report_reservations(connecting_merchant.world, 1, 2)
    await until_all_settled(connecting_merchant.world, 1, 2)
    return connecting_merchant.world


def tokens(world: World) -> list[str]:
    """Return the tokens that are stored."""
    with world.store.read() as session:
        rows = session.connection().execute(
            text("SELECT refresh_token FROM connection WHERE refresh_token IS NOT NULL")
        )
        return [str(token) for (token,) in rows]


async def test_a_disconnection_is_in_force_before_any_worker_has_heard_of_it(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
    Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.DELETE, utc_now())
    view = await connecting_merchant.service.view(MERCHANT)
    assert view.state is ConnectionState.DISCONNECTED
    async with world.working():
        await signal_connection(world.client, MERCHANT, "granted")  # any signal makes the workflow look at the row
        result = await world.client.get_workflow_handle(connection_id(MERCHANT)).result()
        assert result["deleted"] == [{"kind": "product", "id": "sunset-tour"}]
    assert await world.calendars() == {}
    assert tokens(world) == []


async def test_a_second_disconnection_does_not_keep_the_first_from_deleting(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="backendError", count=2)
        wanted = [connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE) for _ in range(3)]
        await asyncio.gather(*wanted)
    assert await world.calendars() == {}
    assert tokens(world) == []


async def test_a_disconnection_that_is_asked_for_again_and_again_keeps_few_waiting(
    connecting_merchant: ConnectionHarness,
) -> None:
    await connecting_merchant.connected()  # no worker runs: nothing ends

    async def disconnect() -> DisconnectionResult | None:
        return await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE)

    asked = [asyncio.create_task(disconnect()) for _ in range(MAX_WAITING_FOR_RESULT + 3)]

    async def answered() -> bool:
        return sum(each.done() for each in asked) >= 3

    await until(answered)
    async with connecting_merchant.world.working():
        assert sorted(map(bool, await asyncio.gather(*asked))) == [False] * 3 + [True] * MAX_WAITING_FOR_RESULT


async def test_a_workflow_that_is_cancelled_while_disconnecting_gives_the_grant_back(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="backendError", probability=1)
        leaving = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE))

        async def deleting() -> bool:
            return await connecting_merchant.calls("calendars.delete") > 0

        await until(deleting)
        handle = world.client.get_workflow_handle(connection_id(MERCHANT))
        await handle.cancel()
        assert await leaving is None
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
        assert tokens(world) == []
        assert await connecting_merchant.calls("oauth2.revoke") == 1
        await world.heal()
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.DISCONNECTED
    (last,) = AuditLog(world.store, world.vault).list_newest(MERCHANT, 1)
    assert (last.action, last.detail and last.detail.subject) == ("work.stopped", "disconnection")


async def test_a_new_grant_during_a_disconnection_ends_it(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="backendError", probability=1)
        leaving = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE))

        async def deleting() -> bool:
            return await connecting_merchant.calls("calendars.delete") > 0

        await until(deleting)
        await connecting_merchant.connected()
        await report_reservations(world, 2, 2)
        await until_all_settled(world, 2, 2)
        leaving.cancel()
        await world.heal()
    assert await world.titles() == ["v2", "v2"]
    assert len(tokens(world)) == 1


async def test_a_calendar_that_vanishes_after_the_merchant_has_connected_again_is_made_anew(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        doomed = (await world.calendars())[TOUR.id]
        await world.fault(method="calendars.delete", kind="slow", seconds=4, count=1)
        Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.DELETE, utc_now())
        handle = await signal_connection(world.client, MERCHANT, "disconnect")

        async def deleting() -> bool:
            pending = await pending_activities(world.client, handle.id)
            return [each.state for each in pending] == [PendingActivityState.PENDING_ACTIVITY_STATE_STARTED]

        await until(deleting)
        await handle.terminate("by an operator")
        await connecting_merchant.connected()

        async def forgotten() -> bool:
            (calendar,) = ManagedCalendars(world.store).get_calendars(MERCHANT, [TOUR])
            intent = Owners(world.store).get_intent(MERCHANT, TOUR)
            return calendar.calendar_id is None and intent is not None and intent.due_at is not None

        async def whole_again() -> bool:
            calendar = (await world.calendars()).get(TOUR.id, doomed)
            return calendar != doomed and await world.titles() == ["v1", "v1"]

        await until(forgotten)
        await sweep(world)
        await until(whole_again)
        await until_all_settled(world, 1, 2)


async def test_another_choice_made_during_a_disconnection_is_carried_out_as_well(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="backendError", probability=1)
        first = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE))

        async def deleting() -> bool:
            return await connecting_merchant.calls("calendars.delete") > 0

        await until(deleting)
        answers = [await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP), await first]
        await world.heal()
    for answer in answers:
        assert answer is not None
        assert (answer.deleted, answer.left, answer.grant_ended) == ((), (TOUR,), True)
    assert list(await world.calendars()) == [TOUR.id]
    assert tokens(world) == []


async def test_the_wish_to_delete_calendars_is_not_forgotten_while_they_are_being_left(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="oauth2.revoke", kind="slow", seconds=4, count=1)
        first = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP))

        async def revoking() -> bool:
            pending = await pending_activities(world.client, connection_id(MERCHANT))
            return [each.state for each in pending] == [PendingActivityState.PENDING_ACTIVITY_STATE_STARTED]

        await until(revoking)
        answers = [await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE), await first]
    # The grant was being given back: Google lets nobody delete the calendars any more, and the answer says so.
    for answer in answers:
        assert answer is not None
        assert (answer.deleted, answer.left, answer.grant_ended) == ((), (TOUR,), True)
        assert "could not be reached" in answer.notes[0]
    assert tokens(world) == []


async def test_a_grant_of_which_the_signal_was_lost_is_served_with_the_next_one(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await report_reservations(world, 1, 2)
        await until_parked(world, 2)
        await connecting_merchant.account(OTHER)
        await world.connect()  # stores the grant without a signal
        await signal_connection(world.client, MERCHANT, "revoked")
        await until_all_settled(world, 1, 2)
        served = ConnectionIntents(world.store)

        async def taken_up() -> bool:
            return served.plan(MERCHANT).step == "wait"

        await until(taken_up)
