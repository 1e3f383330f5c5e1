"""What Google goes on to refuse, whatever its reason: an hour of it costs few calls, is told, and ends by itself."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from slotsync.domain.connections.messages import ConnectionStep
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.connections.connection_intents import ConnectionIntents
from tests.support.samples import TOUR, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import ReservationWorkflow

pytestmark = pytest.mark.anyio

CASES = [
    ("events.insert", "forbidden"),
    ("events.insert", "deleted"),
    ("events.insert", "conflict"),
    ("events.insert", "authError"),
    ("events.delete", "authError"),
    ("events.update", "duplicate"),
    ("events.delete", "conflict"),
    ("events.list", "conditionNotMet"),
    ("events.list", "forbidden"),
    ("events.get", "conflict"),
]
HOUR = timedelta(hours=1)
PARTS = 3
"""The parts of the hour after each of which the platform repeats its reports."""

PART = timedelta(minutes=18)
"""Shorter, since what the machine takes meanwhile counts, too."""


async def test_an_hour_of_any_refusal_with_sweeps_and_repeated_reports_costs_under_20_calls_is_told_and_ends(
    world_with_skipper: World, skipper: TimeSkipper
) -> None:
    world = world_with_skipper
    async with world.working():
        await asyncio.gather(*(refuse(world, *case) for case in CASES))
        await take_up_connections(world)
        before = await asyncio.gather(*(calls(world, merchant_of(*case)) for case in CASES))
        for case in CASES:
            await change(world, *case)
        swept = await sweep(world)
        assert swept.reservations >= len(CASES), "the first tries are not over yet"
        for _ in range(PARTS):
            await asyncio.gather(*(pass_time(world, skipper, *case, PART) for case in CASES))
            await asyncio.gather(*(report(world, *case) for case in CASES))
        after = await asyncio.gather(*(calls(world, merchant_of(*case)) for case in CASES))
        spent = {case: now - then for case, then, now in zip(CASES, before, after, strict=True)}
        assert {case: count for case, count in spent.items() if not 0 < count < 20} == {}
        assert {case: told for case in CASES if (told := await untold(world, *case))} == {}
        await world.heal()
        await asyncio.gather(*(pass_time(world, skipper, *case, HOUR) for case in CASES))
        await asyncio.gather(*(world.settled(2, merchant=merchant_of(*case), within=30) for case in CASES))


def merchant_of(method: str, reason: str) -> str:
    return f"{method}-{reason}".lower().replace(".", "-")


def account_of(merchant: str) -> str:
    return f"{merchant}@gmail.example"


async def refuse(world: World, method: str, reason: str) -> None:
    """Book what the refused call needs, and let Google refuse it from now on."""
    merchant = merchant_of(method, reason)
    email = account_of(merchant)
    await world.add_merchant(TOUR, merchant=merchant, email=email)
    await world.slotsync.report(snapshot(1, name="R-0", merchant=merchant, title="R-0"))
    await world.settled(1, "R-0", merchant)
    if method != "events.insert":
        await world.slotsync.report(snapshot(1, merchant=merchant))
        await world.settled(1, merchant=merchant)
    if method in {"events.list", "events.get"}:
        event = next(each for each in await world.events(TOUR, email) if each["summary"] == "v1")
        calendar = (await world.calendars(email))[TOUR.id]
        address = f"/sandbox/accounts/{email}/calendars/{calendar}/events/{event['id']}"
        if method == "events.list":
            (await world.http.delete(address)).raise_for_status()
        else:
            (await world.http.patch(address, json={"colorId": "5"})).raise_for_status()
    await world.fault(method=method, kind=reason, probability=1, account=email)


async def take_up_connections(world: World) -> None:
    """Let the connections' workflows signal all reservations, as they do once after each consent."""
    await sweep(world)
    intents = ConnectionIntents(world.store)

    async def taken_up() -> bool:
        return all(intents.plan(merchant_of(*case)).step is ConnectionStep.WAIT for case in CASES)

    await until(taken_up)


async def change(world: World, method: str, reason: str) -> None:
    merchant = merchant_of(method, reason)
    await report(world, method, reason)

    async def refused() -> bool:
        status = await world.slotsync.status(merchant, "R-1")
        return bool(status and status.events and status.events[0].last_error)

    await until(refused, 20)


async def report(world: World, method: str, reason: str) -> None:
    merchant = merchant_of(method, reason)
    if method == "events.delete":
        await world.slotsync.cancel(merchant, "R-1", version=2)
    else:
        await world.slotsync.report(snapshot(2, merchant=merchant))


async def pass_time(world: World, skipper: TimeSkipper, method: str, reason: str, time: timedelta) -> None:
    handle: WorkflowHandle[ReservationWorkflow, str] = world.client.get_workflow_handle_for(
        ReservationWorkflow.run, reservation_id(merchant_of(method, reason), "R-1")
    )
    await skipper.fast_forward(handle, time)


async def calls(world: World, merchant: str) -> int:
    """Return the number of calls to Google for the merchant."""
    answer = await world.http.get("/sandbox/calls", params={"account": account_of(merchant)})
    totals = answer.raise_for_status().json()["totals"]
    return sum(number for method, number in totals.items() if method.startswith(("events.", "calendars.")))


async def untold(world: World, method: str, reason: str) -> str:
    """Return what the reservation's status says in place of a failure with its reason and remedy; empty if nothing."""
    status = await world.slotsync.status(merchant_of(method, reason), "R-1")
    assert status
    (event,) = status.events
    told = (event.state, event.last_error, bool(status.remedy))
    return "" if told == (SyncState.FAILED, reason, True) else str(told)
