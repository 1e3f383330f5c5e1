"""What an erased reservation has left in a former account goes once the merchant connects that again."""

from datetime import timedelta

import pytest

from starter.services.erasure import ErasureService
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.parked_reservations import open_tours
from tests.support.samples import EMAIL, MERCHANT, TOUR, snapshot
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


async def test_events_of_an_erased_reservation_go_from_a_former_account_that_is_back(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world

    async def moved() -> bool:
        return await world.titles(TOUR, OTHER) == ["Kayaks for Mervi"]

    async def gone() -> bool:
        return await world.titles(TOUR, EMAIL) == []

    async with world.working():
        await open_tours(world)
        await connecting_merchant.connected()
        await world.slotsync.report(snapshot(1, title="Kayaks for Mervi"))
        await world.settled(1)
        await connecting_merchant.connected(OTHER)
        await until(moved)
        parts = (world.settings, world.client, world.store, world.vault)
        eraser = ErasureService(*parts, timedelta(minutes=1), timedelta(seconds=1))
        receipt = await eraser.erase_reservation(MERCHANT, "R-1", google=True)
        assert any("1 events stand in calendars of a former Google account" in line for line in receipt.google)
        assert await world.titles(TOUR, OTHER) == []
        assert await world.titles(TOUR, EMAIL) == ["Kayaks for Mervi"]
        await connecting_merchant.connected(EMAIL)
        await until(gone)
