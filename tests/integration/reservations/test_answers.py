"""What a report answers is done, and a status says what is."""

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from activities.reservations import ReservationActivities
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.reservations.event import EventKey
from slotsync.domain.reservations.messages import ReservationKey, ReservationState, RoundRequest
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import reservation_id
from slotsync.errors import VersionConflict
from slotsync.store.calendars.owners import Owners
from slotsync.temporal import queues
from slotsync.temporal.signals import signal_calendar, signal_connection, signal_reservation
from starter.services.status import SyncStatus
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import ReservationWorkflow

pytestmark = pytest.mark.anyio

CLIENTS = 30


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR, GUIDE)
    return world


async def status(world: World) -> SyncStatus:
    found = await world.slotsync.status(MERCHANT, "R-1")
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(3))
async def test_thirty_clients_in_any_order_get_the_answers_of_a_model(open_world: World, seed: int) -> None:
    """The model: one row with the newest version and its content, which answers one report after the other."""
    chance = Random(seed)
    reports = [snapshot(chance.randrange(8), title=chance.choice("AB")) for _ in range(CLIENTS * 4)]
    answers = list[tuple[Reservation, str, int]]()

    async def report_some(share: list[Reservation]) -> None:
        for each in share:
            answers.append(await _answer(open_world, each))

    await asyncio.gather(*(report_some(reports[number::CLIENTS]) for number in range(CLIENTS)))
    accepted = {each.version: each for each, answer, _ in answers if answer == "accepted"}
    newest = max(each.version for each in reports)
    assert len(accepted) == sum(answer == "accepted" for _, answer, _ in answers), "each version is accepted once"
    assert newest in accepted
    for each, answer, version in answers:
        if answer == "superseded":
            assert version > each.version, "superseded only by a newer one"
        if answer == "unchanged":
            assert each.title == accepted[each.version].title
        if answer == "conflict":
            assert each.title != accepted[each.version].title
        if each.version == newest:
            assert answer in {"accepted", "unchanged", "conflict"}, "the newest version is never superseded"
    assert (await status(open_world)).version == newest
    assert not (await status(open_world)).settled, "no worker runs"
    async with open_world.working():
        await open_world.settled(newest)
    assert await open_world.titles() == [accepted[newest].title]
    assert await open_world.writes() == 1


async def _answer(world: World, reservation: Reservation) -> tuple[Reservation, str, int]:
    try:
        reported = await world.slotsync.report(reservation)
    except VersionConflict:
        return reservation, "conflict", reservation.version
    answer = "superseded" if reported.superseded else "unchanged" if reported.unchanged else "accepted"
    return reservation, answer, reported.version


async def test_settled_is_false_from_the_report_until_google_shows_it(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
    await open_world.slotsync.report(snapshot(2))
    waiting = await status(open_world)
    assert (waiting.version, waiting.settled_version, waiting.settled) == (2, 1, False)
    async with open_world.working():
        await open_world.settled(2)
    assert (await status(open_world)).settled


@pytest.mark.parametrize("change", ["guest data", "account"])
async def test_settled_is_false_until_google_shows_what_the_settings_want(open_world: World, change: str) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
    if change == "account":
        await open_world.connect(email="other@gmail.example")
    else:
        Owners(open_world.store).put(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
    waiting = await status(open_world)
    assert (waiting.version, waiting.settled_version, waiting.settled) == (1, 1, False)
    async with open_world.working():
        await signal_calendar(open_world.client, CalendarRequest(merchant=MERCHANT, owner=TOUR), "check")
        await signal_connection(open_world.client, MERCHANT, "check")

        async def settled() -> bool:
            return (await status(open_world)).settled

        await until(settled)


async def test_a_report_between_a_cancellation_and_the_end_of_the_workflow_is_written(open_world: World) -> None:
    handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
    await handle.cancel()
    open_world.store_report(snapshot(2))
    async with open_world.working():
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert (await status(open_world)).stopped_since is None
        await sweep(open_world)
        await open_world.settled(2)
    assert await open_world.titles() == ["v2"]


async def test_an_unchanged_report_costs_nothing_once_it_is_settled(open_world: World) -> None:
    handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await until(lambda: _is_waiting(open_world))
        before = (await handle.describe()).history_length
        for _ in range(20):
            assert (await open_world.slotsync.report(snapshot(1))).unchanged
        assert (await handle.describe()).history_length == before
    assert await open_world.writes() == 1


async def _is_waiting(world: World) -> bool:
    handle = world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    return (await handle.query(ReservationWorkflow.progress)).health == "in_step"


async def test_a_report_that_could_not_be_signalled_is_signalled_when_it_is_repeated(open_world: World) -> None:
    """The process may have died between the row and the signal."""
    open_world.store_report(snapshot(1))
    assert (await open_world.slotsync.report(snapshot(1))).unchanged
    async with open_world.working():
        await open_world.settled(1)
    assert await open_world.titles() == ["v1"]


async def test_a_big_reservation_settles_and_its_histories_stay_small(open_world: World) -> None:
    """120 events in three waves, each with notes of 8,000 Chinese characters: 3 MB in all."""
    items = [item(resources=["guide-1"], day=1 + number % 28) for number in range(60)]
    notes = "客" * 8000
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, *items, notes=notes))
        await open_world.settled(1, within=120)
        assert len(await open_world.events(TOUR)) == len(await open_world.events(GUIDE)) == 60
        await open_world.slotsync.report(snapshot(2, *items[:1], notes=notes))
        await open_world.settled(2, within=120)
    assert len(await open_world.events(TOUR)) == len(await open_world.events(GUIDE)) == 1
    sizes = await _history_sizes(open_world)
    assert len(sizes) > 1
    assert max(sizes) < 200_000, sizes


async def _history_sizes(world: World) -> list[int]:
    """Return the size in bytes of each run's history."""
    query = f"WorkflowId = '{reservation_id(MERCHANT, 'R-1')}'"
    sizes = []
    async for run in world.client.list_workflows(query):
        history = await world.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        sizes.append(sum(event.ByteSize() for event in history.events))
    return sizes


async def test_a_cancelled_workflow_is_stopped_until_it_is_resumed(open_world: World) -> None:
    handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        assert (await handle.describe()).status is WorkflowExecutionStatus.CANCELED
        stopped = await status(open_world)
        assert stopped.stopped_since is not None
        assert not stopped.settled
        assert "slotsync resume" in stopped.remedy
        await signal_reservation(open_world.client, ReservationKey(merchant=MERCHANT, reservation="R-1"))
        assert await open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).result() == (
            "Closed at version None: an operator has stopped it"
        )
        assert await open_world.slotsync.resume(MERCHANT) == 1
        await open_world.settled(1)
        await until(lambda: _is_waiting(open_world))
    assert (await status(open_world)).settled
    assert await open_world.titles() == ["v1"]


async def test_a_write_in_flight_ends_before_the_workflow_is_stopped(open_world: World) -> None:
    handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await open_world.fault(method="events.update", kind="slow", seconds=2, count=1)
        await open_world.slotsync.report(snapshot(2))

        async def writing() -> bool:
            return any(each.state == "pending" for each in (await status(open_world)).events)

        await until(writing)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert (await status(open_world)).stopped_since is not None
    assert len(await open_world.titles()) == 1


async def test_a_stopped_reservation_goes_on_with_a_new_report(open_world: World) -> None:
    handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        await open_world.slotsync.report(snapshot(2))
        await open_world.settled(2)
    assert (await status(open_world)).stopped_since is None
    assert await open_world.titles() == ["v2"]


async def test_nobody_acts_for_one_reservation_under_the_id_of_another(open_world: World) -> None:
    forged = ReservationState(merchant="victim", reservation="R-1")
    handle = await open_world.client.start_workflow(
        ReservationWorkflow.run, forged, id=reservation_id(MERCHANT, "R-1"), task_queue=queues.WORKFLOWS
    )
    async with open_world.working():
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert "reservation:victim:R-1" in str(failed.value.cause)


async def test_a_version_that_is_stored_between_two_waves_begins_with_the_first_event(world: World) -> None:
    await world.add_merchant(TOUR)
    items = [item().model_copy(update={"id": f"i{number:03}"}) for number in range(60)]
    activities = ReservationActivities(world.store, world.vault)
    world.store_report(snapshot(1, *items))
    async with world.working():
        await world.slotsync.report(snapshot(1, *items))
        await world.settled(1)
    world.store_report(snapshot(2, *items))
    last = EventKey(item="i039", owner=TOUR)
    request = RoundRequest(merchant=MERCHANT, reservation="R-1", now=datetime.now(UTC), after=last, version=1)
    assert activities.plan_round(request).writes[0].key.item == "i000"
    same = request.model_copy(update={"version": 2})
    assert activities.plan_round(same).writes[0].key.item == "i040"
