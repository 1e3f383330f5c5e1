"""What operators have stopped is told wherever its state is."""

import pytest

from slotsync.domain.workflow_ids import calendar_id
from tests.support.buttons import cancel
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def test_a_reservation_says_that_its_calendar_is_stopped_and_what_to_do(world: World) -> None:
    await world.add_merchant(TOUR)
    await world.fault(method="calendars.insert", kind="backendError", probability=1)
    async with world.working():
        await world.slotsync.report(snapshot(1))

        async def tried() -> bool:
            return await world.calls("calendars.insert") > 0

        await until(tried)
        await cancel(world.client, calendar_id(MERCHANT, TOUR))
        await world.heal()
        stopped = await world.slotsync.status(MERCHANT, "R-1")
        assert stopped is not None
        assert [each.last_error for each in stopped.events] == ["stopped_by_operator"]
        assert stopped.remedy == "An operator has stopped its calendar: slotsync resume MERCHANT."
        assert await world.slotsync.resume(MERCHANT) == 1
        await world.settled(1)
