"""The sweep drops what is kept no longer; what a merchant's calendar shows stays."""

from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.calendars.owner import GuestData
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.calendars.owners import Owners
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.retention import ROW_RETENTION
from slotsync.temporal.signals import signal_reservation
from tests.support.samples import MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.world import World

pytestmark = pytest.mark.anyio

GUEST = {"name": "Mervi Mökkiläinen", "email": "mervi@guest.example"}


async def written_long_ago(world: World, name: str, ended: datetime) -> None:
    """Write an event of a reservation that was reported before it ended."""
    times = {"start": ended - timedelta(hours=2), "end": ended}
    told = snapshot(1, item().model_copy(update=times), name=name, title=f"Kayaks {name}", guest=GUEST)
    Reservations(world.store, world.vault).report(told, ended - timedelta(days=7))
    await look_again(world, name)
    await world.settled(1, name)


async def look_again(world: World, name: str) -> None:
    """Let the reservation's workflow look once more, until it has closed."""
    await signal_reservation(world.client, ReservationKey(merchant=MERCHANT, reservation=name))
    await world.client.get_workflow_handle(reservation_id(MERCHANT, name)).result()


def stored_guest(world: World, name: str) -> str:
    found = Reservations(world.store, world.vault).get_snapshot(MERCHANT, name)
    assert found
    return found.guest.name


async def test_guests_of_long_ago_are_dropped_from_the_store_and_what_google_shows_stays(world: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await world.add_merchant(TOUR)
    async with world.working():
        for name, days in (("old", 91), ("recent", 80)):
            await written_long_ago(world, name, now - timedelta(days=days))
        before = await world.events()
        assert "Mervi" in str(before)
        await sweep(world)
        assert stored_guest(world, "old") == GUEST["name"], "only the full sweep looks at all"
        await sweep(world, everything=True)
        assert [stored_guest(world, name) for name in ("old", "recent")] == ["", GUEST["name"]]
        await look_again(world, "old")
        assert await world.events() == before


async def test_a_level_that_shows_less_reaches_events_of_which_the_contents_were_dropped(world: World) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await world.add_merchant(TOUR)
    async with world.working():
        await written_long_ago(world, "old", now - timedelta(days=91))
        await sweep(world, everything=True)
        shown = []
        for level in (GuestData.LIMITED, GuestData.BUSY, GuestData.FULL):
            Owners(world.store).put(MERCHANT, TOUR, settings_of(TOUR, guest_data=level))
            await look_again(world, "old")
            (event,) = await world.events()
            shown.append((event["summary"], event.get("description", "")))
    assert shown == [("Reservation old", "Reservation old"), ("Reserved", ""), ("Reserved", "")]


async def test_rows_go_a_year_later_and_the_events_stay(world: World) -> None:
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=91) - ROW_RETENTION
    await world.add_merchant(TOUR)
    async with world.working():
        await written_long_ago(world, "old", ended)
        await sweep(world, everything=True)
        assert Reservations(world.store, world.vault).get(MERCHANT, "old") is None
        await look_again(world, "old")
    assert await world.titles() == ["Kayaks old"]


async def test_what_is_over_and_could_never_be_written_ends_and_its_row_goes_like_others(world: World) -> None:
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(days=91) - ROW_RETENTION
    await world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))  # a merchant that has never connected
    times = {"start": ended - timedelta(hours=2), "end": ended}
    told = snapshot(1, item().model_copy(update=times), name="old")
    reservations = Reservations(world.store, world.vault)
    reservations.report(told, ended - timedelta(days=7))
    async with world.working():
        await look_again(world, "old")
        status = await world.slotsync.status(MERCHANT, "old")
        assert status
        assert (status.settled, status.settled_version) == (False, None), "Google never showed it"
        await sweep(world, everything=True)
    assert reservations.get(MERCHANT, "old") is None
