"""A grant that dies parks the work of its merchant, and one that comes back resumes all of it."""

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY, ConnectionState
from slotsync.domain.workflow_ids import connection_id
from starter.services.connections import AnotherAccount, Connected
from tests.support.connection_harness import BROWSER, OTHER, ConnectionHarness
from tests.support.parked_reservations import (
    MANY_RESERVATIONS,
    open_tours,
    report_reservations,
    until_all_settled,
    until_parked,
)
from tests.support.samples import EMAIL, MERCHANT
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_a_connection_that_is_made_resumes_what_waited_for_it(office: ConnectionHarness) -> None:
    world = office.world
    await open_tours(world)
    async with world.working():
        await report_reservations(world, 1)
        await until_parked(world, MANY_RESERVATIONS)
        await office.connected()
        await until_all_settled(world, 1)
    assert await world.titles() == ["v1"] * MANY_RESERVATIONS


async def test_a_dead_grant_is_noticed_parks_and_one_reconnection_resumes_all(office: ConnectionHarness) -> None:
    world = office.world
    await open_tours(world)
    async with world.working():
        await office.connected()
        await report_reservations(world, 1)
        await until_all_settled(world, 1)
        await office.revoke()
        await report_reservations(world, 2)
        await until_parked(world, MANY_RESERVATIONS)
        view = await office.connecting.view(MERCHANT)
        assert (view.state, view.last_error, view.account) == (ConnectionState.REVOKED, "invalid_grant", EMAIL)
        await told(world, MERCHANT, "The grant is dead")
        await office.connected()
        await until_all_settled(world, 2)
        await told(world, MERCHANT, "Connected; called")
    assert await world.titles() == ["v2"] * MANY_RESERVATIONS


async def test_only_the_merchant_whose_grant_came_back_is_called(office: ConnectionHarness) -> None:
    world = office.world
    for merchant in (MERCHANT, "o'hara"):
        await open_tours(world, merchant)
    async with world.working():
        for merchant in (MERCHANT, "o'hara"):
            await report_reservations(world, 1, 2, merchant)
        await until_parked(world, 2)
        await office.connected(OTHER, merchant="o'hara")
        await until_all_settled(world, 1, 2, "o'hara")
        await until_parked(world, 2)


async def test_a_scope_that_was_missing_parks_and_asking_again_resumes(office: ConnectionHarness) -> None:
    world = office.world
    await open_tours(world)
    async with world.working():
        await office.consent(ticked=frozenset({CALENDAR_LIST, EVENTS_FREEBUSY}))
        await report_reservations(world, 1, 1)

        async def trouble() -> bool:
            view = await office.connecting.view(MERCHANT)
            return view.last_error is not None and [each.scope for each in view.missing] == [APP_CREATED]

        await until(trouble)
        assert (await office.connecting.view(MERCHANT)).state is ConnectionState.ACTIVE
        await office.connected()
        await until_all_settled(world, 1, 1)
    assert await world.titles() == ["v1"]


async def test_another_account_gets_all_open_reservations_in_calendars_of_its_own(office: ConnectionHarness) -> None:
    world = office.world
    await open_tours(world)
    async with world.working():
        await office.connected()
        await report_reservations(world, 1, 5)
        await until_all_settled(world, 1, 5)
        asked = await office.consent(OTHER)
        assert isinstance(asked, AnotherAccount)
        assert isinstance(await office.connecting.confirm_account_change(asked.change, BROWSER), Connected)

        async def moved() -> bool:
            return await world.titles(email=OTHER) == ["v1"] * 5

        await until(moved)
    assert await world.titles(email=EMAIL) == ["v1"] * 5, "what is in the account before stays as it was"


async def test_the_last_good_call_is_known_and_not_written_for_every_call(office: ConnectionHarness) -> None:
    world = office.world
    await open_tours(world)
    async with world.working():
        await office.connected()
        assert (await office.connecting.view(MERCHANT)).last_good_call_at is None
        await report_reservations(world, 1, 1)
        await until_all_settled(world, 1, 1)
        first = (await office.connecting.view(MERCHANT)).last_good_call_at
        assert first is not None
        await report_reservations(world, 2, 1)
        await until_all_settled(world, 2, 1)
    assert (await office.connecting.view(MERCHANT)).last_good_call_at == first


async def told(world: World, merchant: str, doing: str) -> None:
    """Waits until an operator reads this in the connection's workflow."""
    handle = world.client.get_workflow_handle(connection_id(merchant))

    async def reads() -> bool:
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        metadata = await handle.query("__temporal_workflow_metadata")
        return doing in str(metadata)

    await until(reads, 90)
