"""What a merchant or the platform wanted of a calendar is done, whatever happens meanwhile."""

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.store.calendars.owners import Owners
from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
from tests.support.managed_calendars import in_google, shown, workflow_handle
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant()
    return world


async def until_reason(world: World, owner: Owner, reason: str) -> None:
    """Wait until the owner's calendar waits for this reason."""
    handle = workflow_handle(world, owner)

    async def so() -> bool:
        attributes = (await handle.describe()).typed_search_attributes
        return {pair.key.name: pair.value for pair in attributes}.get("SlotsyncReason") == reason

    await until(so)


async def lose_grant(world: World) -> None:
    (await world.http.post(f"/sandbox/accounts/{EMAIL}/revoke")).raise_for_status()


async def test_a_renaming_that_waits_when_the_grant_dies_is_done_after_reconnecting(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await open_world.fault(method="calendars.get", kind="backendError", count=3)
        await lose_grant(open_world)
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, name="Evening", time_zone="Europe/Oslo"))
        await until_reason(open_world, TOUR, "invalid_grant")
        await open_world.connect()
        await workflow_handle(open_world, TOUR).signal("look_again")

        async def renamed() -> bool:
            (now,) = await in_google(open_world)
            return (now["summary"], now["timeZone"]) == ("Evening", "Europe/Oslo")

        await until(renamed)


async def test_a_removal_that_waits_when_the_grant_dies_is_done_after_reconnecting(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await lose_grant(open_world)
        await open_world.slotsync.report(snapshot(2))

        async def parked() -> bool:
            status = await open_world.slotsync.status(MERCHANT, "R-1")
            return status is not None and [event.state for event in status.events] == [SyncState.PARKED]

        await until(parked)
        await open_world.slotsync.turn_off(MERCHANT, TOUR, remove_events=True)
        await until_reason(open_world, TOUR, "invalid_grant")
        await open_world.connect()
        await workflow_handle(open_world, TOUR).signal("look_again")
        assert await workflow_handle(open_world, TOUR).result() == "synchronization is off"
    assert await in_google(open_world) == []


async def test_the_last_of_many_owners_is_changed_too(world: World) -> None:
    """Temporal's search attribute holds about 30 of them."""
    guides = [Owner.resource(f"guide-{number:02}-{'x' * 90}") for number in range(31)]
    await world.add_merchant(TOUR, *guides)
    async with world.working():
        await world.slotsync.report(snapshot(1, item(resources=[guide.id for guide in guides])))
        await world.settled(1)
        await world.slotsync.put_owner(MERCHANT, guides[-1], settings_of(guides[-1], guest_data="busy"))
        await shown(world, guides[-1], ["Reserved"])


async def test_unchanged_settings_cost_nothing(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))
        await until(lambda: rests(open_world))
        before = await calls(open_world)
        length = (await workflow_handle(open_world, TOUR).describe()).history_length
        for _ in range(20):
            await open_world.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR))
        assert (await workflow_handle(open_world, TOUR).describe()).history_length == length
    assert await calls(open_world) == before


async def test_a_run_that_has_had_enough_signals_leaves_the_look_for_a_duplicate_to_the_next(
    open_world: World,
) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await until(lambda: rests(open_world))
        handle = workflow_handle(open_world, TOUR)
        run = (await handle.describe()).run_id
        for _ in range(MAX_SIGNALS_PER_RUN // 50):
            await asyncio.gather(*(handle.signal("look_again") for _ in range(50)))

        async def started_over() -> bool:
            return (await handle.describe()).run_id != run

        await until(started_over)
        await until(lambda: rests(open_world))
        timer = (await handle.fetch_history()).events[-1]
    assert b"late" in timer.user_metadata.summary.data


async def rests(world: World) -> bool:
    """Return whether the calendar's workflow has nothing to do but to wait: the timer is the last that it asked for."""
    events = (await workflow_handle(world, TOUR).fetch_history()).events
    intent = Owners(world.store).get_intent(MERCHANT, TOUR)
    taken_up = intent is not None and intent.due_at is None
    return taken_up and events[-1].event_type == EventType.EVENT_TYPE_TIMER_STARTED


async def calls(world: World) -> dict[str, int]:
    totals: dict[str, int] = (await world.http.get("/sandbox/calls")).raise_for_status().json()["totals"]
    return totals


async def until_taken_up(world: World, owner: Owner) -> None:
    async def so() -> bool:
        intent = Owners(world.store).get_intent(MERCHANT, owner)
        return intent is not None and intent.due_at is None

    await until(so)


async def test_settings_of_which_the_signal_was_lost_are_signalled_when_they_are_put_again(open_world: World) -> None:
    busy = settings_of(TOUR, guest_data="busy")
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        Owners(open_world.store).put(MERCHANT, TOUR, busy)  # as a process that dies before it signals
        await open_world.slotsync.put_owner(MERCHANT, TOUR, busy)
        await shown(open_world, TOUR, ["Reserved"])


async def test_a_cancelled_calendar_is_stopped_until_it_is_resumed(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await workflow_handle(open_world, TOUR).cancel()
        with pytest.raises(WorkflowFailureError):
            await workflow_handle(open_world, TOUR).result()
        intent = Owners(open_world.store).get_intent(MERCHANT, TOUR)
        assert intent is not None
        assert intent.stopped_at is not None
        assert "slotsync resume" in (await open_world.slotsync.backfill_progress(MERCHANT, TOUR)).doing
        await open_world.slotsync.resume(MERCHANT)
        await until_taken_up(open_world, TOUR)
    assert await open_world.titles() == ["v1"]
