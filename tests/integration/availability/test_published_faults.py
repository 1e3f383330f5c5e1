"""Webhooks for each fault and for its end: unknown times, and whether they can be booked."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST
from slotsync.store.connections.connections import Connections
from slotsync.temporal.signals import signal_connection
from starter.local.dev import CLIENT_ID
from tests.support.availability_webhooks import HOUR, TOMORROW, received_messages, slots
from tests.support.availability_world import AvailabilityWorld
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

BUSY, CLOSED, OPEN = ("busy", True), ("unknown", True), ("unknown", False)
QUERY = {"method": "freebusy.query", "probability": 1}


async def until_last_message(availability: AvailabilityWorld, *states: tuple[str, bool], complete: bool) -> None:
    """Wait until the newest webhook has these states, for the 24 hours from ``TOMORROW`` on."""

    async def so() -> bool:
        last = received_messages(availability)[-1:]
        found = [(slot.state.value, slot.closed) for slot in await slots(availability)]
        return found == list(states) and bool(last) and last[0]["complete"] is complete

    await until(so, 30)


async def parked(availability: AvailabilityWorld, count: int) -> None:
    """Wait until so many of the products are parked, for an operator to see."""
    query = "WorkflowType = 'ProductAvailabilityWorkflow' AND SlotsyncHealth = 'parked'"

    async def so() -> bool:
        return (await availability.world.client.count_workflows(query)).count == count

    await until(so, 30)


async def test_unreadable_times_are_published_as_closed_or_open_and_so_is_their_end(
    availability: AvailabilityWorld,
) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_last_message(availability, BUSY, complete=True)
        for fault in ({"kind": "freebusy_error", "reason": "internalError"}, {"kind": "backendError", "status": 503}):
            await world.fault(**QUERY, **fault)
            await until_last_message(availability, CLOSED, complete=False)
            await world.heal()
            await until_last_message(availability, BUSY, complete=True)
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, on_unknown="sell"))
        await world.fault(**QUERY, kind="drop")
        await until_last_message(availability, OPEN, complete=False)
        await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, on_unknown="last_known:1"))
        await until_last_message(availability, CLOSED, OPEN, complete=False)
        await world.heal()
        await until_last_message(availability, BUSY, complete=True)
    numbers = [each["number"] for each in received_messages(availability)]
    assert numbers == list(range(1, len(numbers) + 1))


async def revoke(availability: AvailabilityWorld) -> None:
    (await availability.world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()


async def grant_without_the_scope(availability: AvailabilityWorld) -> None:
    """Connect the merchant again without the scope that busy times need."""
    scopes = (APP_CREATED, CALENDAR_LIST)
    granted = {"client_id": CLIENT_ID, "scopes": scopes}
    answer: httpx.Response = await availability.world.http.post(f"/sandbox/accounts/{EMAIL}/grant", json=granted)
    token = answer.raise_for_status().json()["refresh_token"]
    Connections(availability.world.store, availability.world.vault).save_grant(MERCHANT, token, scopes, EMAIL)
    await signal_connection(availability.world.client, MERCHANT, "granted")


@pytest.mark.parametrize("lose", [revoke, grant_without_the_scope])
async def test_what_only_the_merchant_can_mend_parks_and_goes_on_by_itself_once_it_is_mended(
    availability: AvailabilityWorld, lose: Callable[[AvailabilityWorld], Awaitable[None]]
) -> None:
    world = availability.world
    async with world.working():
        await availability.block(EMAIL)
        await availability.busy(TOMORROW, TOMORROW + HOUR)
        await until_last_message(availability, BUSY, complete=True)
        await lose(availability)
        await until_last_message(availability, CLOSED, complete=False)
        await parked(availability, 1)
        await world.connect()
        await signal_connection(world.client, MERCHANT, "granted")
        await until_last_message(availability, BUSY, complete=True)
        await parked(availability, 0)
