"""Why nothing can be read is told, whatever Google says of the whole call."""

import pytest

from slotsync.domain.connections.connection import FREEBUSY
from slotsync.store.connections.connection_views import ConnectionViews
from tests.support.availability_world import AvailabilityWorld
from tests.support.samples import EMAIL, MERCHANT
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("reason", ["forbidden", "notFound", "deleted", "notACalendarUser", "backendError"])
async def test_the_reason_for_which_all_readings_fail_is_told_until_one_succeeds(
    reason: str, availability: AvailabilityWorld
) -> None:
    world = availability.world
    views = ConnectionViews(world.store, world.vault, {FREEBUSY})

    async def told() -> bool:
        return views.get_view(MERCHANT).last_error == reason

    async def healed() -> bool:
        return views.get_view(MERCHANT).last_error is None

    await world.fault(method="freebusy.query", kind=reason, probability=1)
    async with world.working():
        await availability.block(EMAIL)
        await until(told)
        await world.heal()
        await until(healed)
