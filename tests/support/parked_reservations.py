"""Many reservations that are reported, written, or parked together."""

from tests.support.samples import MERCHANT, TOUR, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

MANY_RESERVATIONS = 8


async def open_tours(world: World, merchant: str = MERCHANT) -> None:
    await world.slotsync.put_owner(merchant, TOUR, settings_of(TOUR))


async def report_reservations(
    world: World, version: int, count: int = MANY_RESERVATIONS, merchant: str = MERCHANT
) -> None:
    for number in range(count):
        await world.slotsync.report(snapshot(version, name=f"R-{number}", merchant=merchant, title=f"v{version}"))


async def until_all_settled(
    world: World, version: int, count: int = MANY_RESERVATIONS, merchant: str = MERCHANT
) -> None:
    for number in range(count):
        await world.settled(version, f"R-{number}", merchant)


async def until_parked(world: World, count: int, merchant: str = MERCHANT) -> None:
    """Wait until as many reservations of the merchant are parked."""
    query = f"SlotsyncMerchant = '{merchant}' AND SlotsyncHealth = 'parked' AND WorkflowType = 'ReservationWorkflow'"

    async def found() -> bool:
        return (await world.client.count_workflows(query)).count == count

    await until(found)
