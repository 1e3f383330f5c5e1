"""Edits by hand at random in the middle of a merchant's life; then exactly the desired events are where they belong."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

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

FIRST_LIFE, _, LAST_LIFE = os.environ.get("SLOTSYNC_TEST_LIVES", "0-1").partition("-")
"""The numbers of the merchants that live: always the same lives, and others, also more, in a search by hand (``-n 4``:
most of each life is waiting)."""

ONE_LIFE = settings(
    max_examples=1,
    stateful_step_count=13,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # not shrunk: a life takes seconds, and what it did is printed
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("number", range(int(FIRST_LIFE), int(LAST_LIFE or FIRST_LIFE) + 1))
async def test_whatever_is_done_by_hand_the_next_versions_stand_alone_and_what_people_added_is_kept(
    world: World, number: int
) -> None:
    loop = asyncio.get_running_loop()
    living = seed(number)(type("Living", (HandEditing,), {"world": world, "loop": loop}))
    async with world.working():
        # In a thread of its own, since slotsync needs the loop's. One in a process: hypothesis reads source code while
        # it runs, and ast.parse of Python 3.11 fails now and then in several threads ("recursion depth mismatch").
        with ThreadPoolExecutor(1) as thread:
            await loop.run_in_executor(thread, partial(run_state_machine_as_test, living, settings=ONE_LIFE))


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
