"""What Google goes on to refuse, whatever its reason: an hour of it costs few calls, is told, and ends by itself."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import reservation_id
from tests.support.samples import TOUR, snapshot
from tests.support.waiting import until
from tests.support.world import World
from workflows.reservation import ReservationWorkflow

pytestmark = pytest.mark.anyio

CASES = [
    ("events.insert", "forbidden"),
    ("events.insert", "deleted"),
    ("events.insert", "conflict"),
    ("events.update", "duplicate"),
    ("events.delete", "conflict"),
    ("events.list", "conditionNotMet"),
    ("events.list", "forbidden"),
    ("events.get", "conflict"),
]
HOUR = timedelta(hours=1)


async def test_an_hour_of_any_refusal_costs_under_20_calls_is_told_as_failed_and_ends_by_itself(
    world_with_skipper: World, skipper: TimeSkipper
) -> None:
    world = world_with_skipper
    async with world.working():
        await asyncio.gather(*(refuse(world, *case) for case in CASES))
        before = await asyncio.gather(*(calls(world, merchant_of(*case)) for case in CASES))
        for case in CASES:
            await change(world, *case)
        await asyncio.gather(*(pass_time(world, skipper, *case) for case in CASES))
        after = await asyncio.gather(*(calls(world, merchant_of(*case)) for case in CASES))
        spent = {case: now - then for case, then, now in zip(CASES, before, after, strict=True)}
        assert {case: count for case, count in spent.items() if not 0 < count < 20} == {}
        assert {case: told for case in CASES if (told := await untold(world, *case))} == {}
        await world.heal()
        await asyncio.gather(*(pass_time(world, skipper, *case) for case in CASES))
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


async def change(world: World, method: str, reason: str) -> None:
    merchant = merchant_of(method, reason)
    if method == "events.delete":
        await world.slotsync.cancel(merchant, "R-1", version=2)
    else:
        await world.slotsync.report(snapshot(2, merchant=merchant))

    async def refused() -> bool:
        status = await world.slotsync.status(merchant, "R-1")
        return bool(status and status.events and status.events[0].last_error)

    await until(refused, 20)


async def pass_time(world: World, skipper: TimeSkipper, method: str, reason: str) -> None:
    handle: WorkflowHandle[ReservationWorkflow, str] = world.client.get_workflow_handle_for(
        ReservationWorkflow.run, reservation_id(merchant_of(method, reason), "R-1")
    )
    await skipper.fast_forward(handle, HOUR)


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
