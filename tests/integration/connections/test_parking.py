"""A grant that dies parks the work of its merchant, and one that comes back resumes all of it."""

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.connections.connection import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS_FREEBUSY,
    ConnectionState,
    can_write,
)
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import connection_id
from slotsync.store.calendars.owners import Owners
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.parked_reservations import (
    MANY_RESERVATIONS,
    open_tours,
    report_reservations,
    until_all_settled,
    until_parked,
)
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_a_connection_that_is_made_resumes_what_waited_for_it(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await report_reservations(world, 1)
        await until_parked(world, MANY_RESERVATIONS)
        await connecting_merchant.connected()
        await until_all_settled(world, 1)
    assert await world.titles() == ["v1"] * MANY_RESERVATIONS


async def test_a_dead_grant_is_noticed_parks_and_one_reconnection_resumes_all(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await connecting_merchant.connected()
        await report_reservations(world, 1)
        await until_all_settled(world, 1)
        await connecting_merchant.revoke()
        await report_reservations(world, 2)
        await until_parked(world, MANY_RESERVATIONS)
        view = await connecting_merchant.service.view(MERCHANT)
        assert (view.state, view.last_error, view.account) == (ConnectionState.REVOKED, "invalid_grant", EMAIL)
        await wait_for_details(world, MERCHANT, "Google refuses the grant")
        await connecting_merchant.connected()
        await until_all_settled(world, 2)
        await wait_for_details(world, MERCHANT, "Connected; woke")
    assert await world.titles() == ["v2"] * MANY_RESERVATIONS


async def test_a_policy_parks_the_work_with_its_reason_until_it_is_lifted(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await connecting_merchant.connected()
        await report_reservations(world, 1)
        await until_all_settled(world, 1)
        forget_access_tokens(world)
        await world.fault(method="oauth2.token", kind="admin_policy_enforced", account=EMAIL, probability=1)
        await report_reservations(world, 2)
        await until_parked(world, MANY_RESERVATIONS)
        view = await connecting_merchant.service.view(MERCHANT)
        assert (view.state, view.last_error) == (ConnectionState.REVOKED, "admin_policy_enforced")
        await world.heal()
        await connecting_merchant.connected()
        await until_all_settled(world, 2)
        view = await connecting_merchant.service.view(MERCHANT)
        assert (view.state, view.last_error) == (ConnectionState.ACTIVE, None)


@pytest.mark.parametrize("lacking", [CALENDAR_LIST, APP_CREATED])
async def test_a_scope_that_is_given_up_later_parks_all_writes_with_the_remedy_until_it_is_back(
    connecting_merchant: ConnectionHarness, lacking: str
) -> None:
    world = connecting_merchant.world
    Owners(world.store).put(MERCHANT, TOUR, settings_of(TOUR))
    async with world.working():
        await connecting_merchant.connected()
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        Owners(world.store).put(MERCHANT, GUIDE, settings_of(GUIDE))
        ticked = frozenset({APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY}) - {lacking}
        await connecting_merchant.confirmed(await connecting_merchant.consent(ticked=ticked))
        before = await world.writes()
        await world.slotsync.report(snapshot(2, item(resources=[GUIDE.id])))

        async def parked() -> bool:
            status = await world.slotsync.status(MERCHANT, "R-1")
            assert status
            told = [(each.state, each.last_error) for each in status.events]
            remedied = "allow what is missing" in status.remedy
            return told == [(SyncState.PARKED, "insufficientPermissions")] * 2 and remedied

        await until(parked, 20)
        assert not can_write(await connecting_merchant.service.view(MERCHANT))
        assert await world.writes() == before
        await connecting_merchant.connected()
        await world.settled(2)
    assert (await world.titles(), await world.titles(GUIDE)) == (["v2"], ["v2"])


def forget_access_tokens(world: World) -> None:
    with world.store.write() as connection:
        connection.execute(text("UPDATE connection SET access_token = NULL, access_expires_at = NULL"))


async def test_only_the_merchant_with_the_new_grant_is_signalled(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    for merchant in (MERCHANT, "o'hara"):
        await open_tours(world, merchant)
    async with world.working():
        for merchant in (MERCHANT, "o'hara"):
            await report_reservations(world, 1, 2, merchant)
        await until_parked(world, 2)
        await connecting_merchant.connected(OTHER, merchant="o'hara")
        await until_all_settled(world, 1, 2, "o'hara")
        await until_parked(world, 2)


async def test_a_missing_scope_parks_and_a_second_consent_resumes(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await connecting_merchant.confirmed(
            await connecting_merchant.consent(ticked=frozenset({CALENDAR_LIST, EVENTS_FREEBUSY}))
        )
        await report_reservations(world, 1, 1)
        await until_parked(world, 1)
        view = await connecting_merchant.service.view(MERCHANT)
        assert (view.state, [each.scope for each in view.missing]) == (ConnectionState.ACTIVE, [APP_CREATED])
        await connecting_merchant.connected()
        await until_all_settled(world, 1, 1)
    assert await world.titles() == ["v1"]


async def test_another_account_gets_all_open_reservations_in_calendars_of_its_own(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await connecting_merchant.connected()
        await report_reservations(world, 1, 5)
        await until_all_settled(world, 1, 5)
        await connecting_merchant.connected(OTHER)

        async def moved() -> bool:
            return await world.titles(email=OTHER) == ["v1"] * 5

        await until(moved)
    assert await world.titles(email=EMAIL) == ["v1"] * 5, "what is in the account before stays as it was"


async def test_the_last_good_call_is_known_and_not_written_for_every_call(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await open_tours(world)
    async with world.working():
        await connecting_merchant.connected()
        assert (await connecting_merchant.service.view(MERCHANT)).last_good_call_at is None
        await report_reservations(world, 1, 1)
        await until_all_settled(world, 1, 1)
        first = (await connecting_merchant.service.view(MERCHANT)).last_good_call_at
        assert first is not None
        await report_reservations(world, 2, 1)
        await until_all_settled(world, 2, 1)
    assert (await connecting_merchant.service.view(MERCHANT)).last_good_call_at == first


async def wait_for_details(world: World, merchant: str, details: str) -> None:
    """Wait until the details of the connection's workflow contain this text."""
    handle = world.client.get_workflow_handle(connection_id(merchant))

    async def reads() -> bool:
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        metadata = await handle.query("__temporal_workflow_metadata")
        return details in str(metadata)

    await until(reads, 90)
