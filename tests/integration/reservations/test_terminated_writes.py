"""Writes in flight when their workflow is terminated: what they still do is not left behind."""

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import reservation_id
from tests.support.buttons import pending_activities
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

R_1 = reservation_id(MERCHANT, "R-1")
BOAT = Owner.product("boat")
SLOW = 4
"""Seconds in which the next snapshot is settled, before Google carries out the creation."""


@pytest.fixture
async def open_world(world: World) -> World:
    """Return a world in which both products have their calendars."""
    await world.add_merchant(TOUR, BOAT)
    async with world.working():
        await world.slotsync.report(snapshot(1, item(), item(product="boat"), name="R-0", title="other"))
        await world.settled(1, "R-0")
    return world


async def terminate_while_creating(world: World, reported: Reservation) -> None:
    """Report, and terminate the workflow while the creation is on its way to Google."""
    await world.fault(method="events.insert", kind="slow", seconds=SLOW, count=1)
    await world.slotsync.report(reported)

    async def creating() -> bool:
        pending = await pending_activities(world.client, R_1)
        return [each.state for each in pending] == [PendingActivityState.PENDING_ACTIVITY_STATE_STARTED]

    await until(creating)
    await world.client.get_workflow_handle(R_1).terminate("by an operator")


@pytest.mark.parametrize(
    ("newer", "left"),
    [
        (snapshot(2, status="cancelled"), {TOUR: ["other"], BOAT: ["other"]}),
        (snapshot(2, item(product="boat")), {TOUR: ["other"], BOAT: ["other", "v2"]}),
    ],
    ids=["cancelled", "moved"],
)
async def test_a_creation_in_flight_at_a_termination_is_not_left_behind(
    newer: Reservation, left: dict[Owner, list[str]], open_world: World
) -> None:
    async with open_world.working():
        await terminate_while_creating(open_world, snapshot(1))
        await open_world.slotsync.report(newer)
        await open_world.settled(2)
    assert {owner: await open_world.titles(owner) for owner in left} == left


async def test_a_creation_that_google_carries_out_after_the_last_look_is_taken_back(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await delete_by_hand(open_world, "v1")
        await terminate_while_creating(open_world, snapshot(2))
        await open_world.slotsync.report(snapshot(3, status="cancelled"))
        await open_world.settled(3)
    assert await open_world.titles() == ["other"]
    sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
    assert sync_status is not None
    assert sync_status.settled


async def delete_by_hand(world: World, title: str) -> None:
    (event,) = (each for each in await world.events() if each["summary"] == title)
    calendar = (await world.calendars())[TOUR.id]
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events/{event['id']}"
    (await world.http.delete(address)).raise_for_status()
