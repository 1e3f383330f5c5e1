"""A guest is gone from the store at once, and from Google with the next write."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slotsync.domain.calendars.owner import Switch
from slotsync.errors import UnknownSubject
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.base import table_of
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.tables.reservations import ReservationRow
from starter.services.guest_erasure import GuestErasureService, GuestReceipt
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.secret_search import found
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

GUEST = {"name": "Mervi Mökkiläinen", "email": "mervi@guest.example", "phone": "+358 40 555 0199"}
ABOUT: dict[str, Any] = {
    "title": "Kayaks for Mervi",
    "guest": GUEST,
    "notes": "Mervi is allergic",
    "url": "https://example.org/mervi",
}
WITHOUT = ("Reservation R-1", "Reservation R-1")


async def two_guests(world: World) -> None:
    await world.add_merchant()
    for name in ("R-1", "R-2"):
        await world.slotsync.report(snapshot(1, item(resources=[GUIDE.id]), name=name, **ABOUT))
        await world.settled(1, name)


async def erase(world: World, reservation: str | None, within: timedelta = timedelta(minutes=1)) -> GuestReceipt:
    service = GuestErasureService(world.client, world.store, world.vault, within)
    return await service.erase(MERCHANT, reservation)


def encrypted(world: World, name: str) -> str:
    table = table_of(ReservationRow)
    with world.store.read() as session:
        query = table.select().where(table.c.id == name)
        return str(session.connection().execute(query).mappings().one()["snapshot"])


async def shown(world: World) -> list[tuple[object, object]]:
    """Return title and description of the events in both calendars."""
    events = [*await world.events(TOUR), *await world.events(GUIDE)]
    return sorted((event["summary"], event["description"]) for event in events)


async def test_a_guest_is_erased_here_and_in_google_and_another_one_is_left_alone(world: World) -> None:
    async with world.working():
        await two_guests(world)
        receipt = await erase(world, "R-1")
        assert (receipt.reservations, receipt.google) == (1, ())
        events = await shown(world)
        assert events[2:] == [WITHOUT, WITHOUT]
        assert all("Mervi" in str(each) for each in events[:2])
        stored = Reservations(world.store, world.vault)
        assert stored.get_snapshot(MERCHANT, "R-1") == snapshot(1, item(resources=[GUIDE.id]), title="")
        late = await world.slotsync.report(snapshot(1, item(resources=[GUIDE.id]), name="R-1", **ABOUT))
        assert late.unchanged
        status = await world.slotsync.status(MERCHANT, "R-1")
        assert status
        assert status.settled
        assert (await shown(world))[2:] == [WITHOUT, WITHOUT]


async def test_all_guests_of_a_merchant_are_erased(world: World) -> None:
    async with world.working():
        await two_guests(world)
        receipt = await erase(world, None)
        assert (receipt.reservations, receipt.google) == (2, ())
        assert "Mervi" not in str(await shown(world))
        assert (await erase(world, None)).reservations == 0


async def test_events_of_calendars_that_are_out_of_reach_are_counted_and_follow_later(world: World) -> None:
    async with world.working():
        await two_guests(world)
        Owners(world.store).switch(MERCHANT, GUIDE, Switch(sync=False))
        receipt = await erase(world, "R-1")
        assert receipt.google[0].startswith("1 events are not_synced and show what they showed")
        assert "Mervi" in str(await world.events(GUIDE))
        await world.slotsync.turn_on(MERCHANT, GUIDE)

        async def followed() -> bool:
            return [each for each in await shown(world) if each == WITHOUT] == [WITHOUT, WITHOUT]

        await until(followed)


async def test_without_a_worker_the_store_forgets_at_once_and_google_follows(world: World) -> None:
    async with world.working():
        await two_guests(world)
    receipt = await erase(world, "R-1", timedelta(seconds=1))
    assert "1 reservations are still to be written" in receipt.google[0]
    snapshot_now = Reservations(world.store, world.vault).get_snapshot(MERCHANT, "R-1")
    assert snapshot_now
    assert snapshot_now.title == snapshot_now.guest.name == ""
    async with world.working():
        await world.settled(1)
        assert WITHOUT in await shown(world)


async def test_a_guest_of_whom_nothing_is_known_cannot_be_erased(world: World) -> None:
    with pytest.raises(UnknownSubject, match="was it reported"):
        await erase(world, "R-1")


async def test_a_guest_left_out_of_a_newer_snapshot_is_gone_at_once_and_from_google_with_the_next_write(
    world: World, tmp_path: Path
) -> None:
    async with world.working():
        await two_guests(world)
    before = encrypted(world, "R-1")
    assert found(tmp_path, {"before": before})
    await world.slotsync.report(snapshot(2, item(resources=[GUIDE.id]), name="R-1", title="Two kayaks"))
    assert encrypted(world, "R-1") != before
    world.store.empty_log()
    assert found(tmp_path, {"before": before}) == set(), "not even encrypted, in a page that is free"
    async with world.working():
        await world.settled(2)
        assert ("Two kayaks", "Reservation R-1") in await shown(world)


async def test_the_guests_of_a_merchant_that_is_not_known_are_not_said_to_be_erased(world: World) -> None:
    with pytest.raises(UnknownSubject, match="merchant no-such-merchant is not known"):
        await GuestErasureService(world.client, world.store, world.vault).erase("no-such-merchant")
