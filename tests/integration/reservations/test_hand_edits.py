"""Edits by hand at random in the middle of a merchant's life; then exactly the desired events are where they belong."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import ReservationStatus
from tests.support.hand_editing import HandEditing
from tests.support.managed_calendars import shown
from tests.support.samples import EMAIL, TOUR, item, snapshot
from tests.support.world import World

pytestmark = pytest.mark.anyio

FIRST_LIFE, _, LAST_LIFE = os.environ.get("SLOTSYNC_TEST_LIVES", "0-3").partition("-")
"""The numbers of the merchants that live: always the same lives, and others, also more, in a search by hand."""

SIDE_BY_SIDE = 4
"""The lives at once: most of each is waiting."""

ONE_LIFE = settings(
    max_examples=1,
    stateful_step_count=13,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # not shrunk: a life takes seconds, and what it did is printed
    suppress_health_check=list(HealthCheck),
)


async def test_whatever_is_done_by_hand_the_next_versions_stand_alone_and_what_people_added_is_kept(
    world: World,
) -> None:
    numbers = range(int(FIRST_LIFE), int(LAST_LIFE or FIRST_LIFE) + 1)
    loop = asyncio.get_running_loop()
    # Threads of their own: slotsync needs the loop's, too.
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        async with world.working():
            ends = await asyncio.gather(*(loop.run_in_executor(threads, live, world, each, loop) for each in numbers))
    if failures := [each for each in ends if each]:
        raise ExceptionGroup(f"{len(failures)} of {len(numbers)} lives ended wrong", failures)


def live(world: World, number: int, loop: asyncio.AbstractEventLoop) -> Exception | None:
    """Return what is wrong at the end of the life with this number, None if all is right."""
    living = seed(number)(type("Living", (HandEditing,), {"world": world, "loop": loop}))
    try:
        run_state_machine_as_test(living, settings=ONE_LIFE)
    except Exception as error:  # noqa: BLE001  the other lives go on
        error.add_note(f"This was life {number}.")
        return error
    return None


async def test_what_was_deleted_and_is_restored_by_hand_goes_with_the_next_version(world: World) -> None:
    boat = Owner.product("boat")
    await world.add_merchant(TOUR, boat)
    async with world.working():
        for name in ("R-1", "R-2", "R-3"):
            await world.slotsync.report(snapshot(1, name=name, title=name))
        await shown(world, TOUR, ["R-1", "R-2", "R-3"])
        await world.slotsync.report(snapshot(2, name="R-1", status=ReservationStatus.CANCELLED))
        await world.slotsync.report(snapshot(2, item(boat.id), name="R-2", title="R-2"))
        await shown(world, TOUR, ["R-3"])
        await restore_all(world)
        await shown(world, TOUR, ["R-1", "R-2", "R-3"])
        before = await world.calls("events.list")
        await world.slotsync.report(snapshot(3, name="R-1", status=ReservationStatus.CANCELLED))
        await world.slotsync.report(snapshot(3, item(boat.id), name="R-2", title="R-2 again"))
        await world.slotsync.report(snapshot(2, name="R-3", title="R-3 again"))
        await shown(world, TOUR, ["R-3 again"])
        await shown(world, boat, ["R-2 again"])
        looked = await world.calls("events.list") - before
        assert looked == 4, "two reservations of which one was deleted, each looked for in both calendars"


async def restore_all(world: World) -> None:
    """Take all events of the tour's calendar out of the bin."""
    path = f"/sandbox/accounts/{EMAIL}/calendars/{(await world.calendars())[TOUR.id]}/events"
    listed = (await world.http.get(path, params={"showDeleted": "true"})).raise_for_status().json()["items"]
    for each in listed:
        if each["status"] == "cancelled":
            (await world.http.post(f"{path}/{each['id']}/restore")).raise_for_status()
