"""Every fault that the local Google knows, at every write that slotsync makes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from temporalio.service import RPCError

from slotsync.rules.connection_news import Granted
from slotsync.rules.reservation import Reservation
from slotsync.sandbox.api_error import KNOWN_REASONS
from slotsync.sandbox.faults import SPECIAL_KINDS
from slotsync.temporal.connection_news import tell_connection
from tests.comparing import calendars_twice, compared
from tests.world import GUIDE, World, item, snapshot, until

pytestmark = pytest.mark.anyio

NOT_OF_A_WRITE = {"freebusy_error", "lost_push", "quota"}
KINDS = sorted((KNOWN_REASONS | SPECIAL_KINDS) - NOT_OF_A_WRITE)
TIMES = (1, 2)
SLOW = 0.2

WAITING = "ExecutionStatus='Running' AND (SlotsyncHealth != 'in_step' OR WorkflowType = 'ReservationWorkflow')"
"""A reservation whose first attempt was told to wait still shows how its last round ended."""

BOOKED = (item(resources=[GUIDE.id]),)
MOVED = (item(resources=[GUIDE.id], day=2),)
WITHOUT_GUIDE = (item(),)


@dataclass(frozen=True)
class Write:
    """A call that changes Google, and the snapshots that lead to it: the last one meets the fault."""

    method: str
    before: Reservation | None
    meets: Reservation


WRITES = (
    Write("calendarList.list", None, snapshot(1, *BOOKED)),
    Write("calendars.insert", None, snapshot(1, *BOOKED)),
    Write("events.insert", snapshot(1, *WITHOUT_GUIDE), snapshot(2, *BOOKED)),
    Write("events.update", snapshot(1, *BOOKED), snapshot(2, *MOVED)),
    Write("events.delete", snapshot(1, *BOOKED), snapshot(2, *WITHOUT_GUIDE)),
)

every_write = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.method)


@dataclass(frozen=True)
class Shop:
    """A merchant of its own for each disaster, so that many can happen at once."""

    world: World
    merchant: str
    write: Write

    @property
    def email(self) -> str:
        return f"{self.merchant}@gmail.example"

    @property
    def met(self) -> Reservation:
        """The snapshot that meets the fault."""
        return self.write.meets.model_copy(update={"merchant": self.merchant})

    async def open(self) -> None:
        await self.world.open_shop(merchant=self.merchant, email=self.email)
        if self.write.before:
            await self.world.slotsync.report(self.write.before.model_copy(update={"merchant": self.merchant}))

    async def fault(self, **fault: object) -> None:
        await self.world.fault(method=self.write.method, account=self.email, **fault)

    async def damage(self) -> str:
        """What is not as it should be."""
        comparison = await compared(self.world, [self.met], self.email)
        twice = await calendars_twice(self.world, self.email)
        return "" if comparison.perfect and not twice else f"{self.merchant}: {comparison}, twice: {twice}"


async def opened(world: World, merchants: Iterable[str], write: Write) -> list[Shop]:
    """Shops that are one snapshot away from the write."""
    shops = [Shop(world, merchant, write) for merchant in merchants]
    await asyncio.gather(*(shop.open() for shop in shops))
    if write.before:
        await world.at_rest(shop.met.model_copy(update={"version": write.before.version}) for shop in shops)
    return shops


@asynccontextmanager
async def nobody_waits(world: World) -> AsyncIterator[None]:
    """Ends every wait for minutes or hours, as an operator can: with a call to look again."""

    async def call() -> None:
        while True:
            async for held in world.client.list_workflows(WAITING):
                with suppress(RPCError):  # it has just ended
                    await world.client.get_workflow_handle(held.id).signal("look_again")
            await asyncio.sleep(4)

    calling = asyncio.create_task(call())
    try:
        yield
    finally:
        calling.cancel()


async def damages(shops: Iterable[Shop]) -> list[str]:
    """What the faults have left behind."""
    return [damage for shop in shops if (damage := await shop.damage())]


@every_write
async def test_no_fault_leaves_anything_missing_extra_doubled_or_wrong(fast_world: World, write: Write) -> None:
    faults = {f"{kind.lower()}-{count}": (kind, count) for kind in KINDS for count in TIMES}
    async with fast_world.working():
        shops = await opened(fast_world, faults, write)
        for shop in shops:
            kind, count = faults[shop.merchant]
            await shop.fault(kind=kind, count=count, seconds=SLOW if kind == "slow" else 0)
        await asyncio.gather(*(fast_world.slotsync.report(shop.met) for shop in shops))
        async with nobody_waits(fast_world):
            await fast_world.at_rest([shop.met for shop in shops], within=400)
        waiting = (await fast_world.http.get("/sandbox/faults")).json()["items"]
    assert [fault for fault in waiting if fault["left"] == 2 or fault["kind"] != "slow"] == [], "every fault was met"
    assert await damages(shops) == []


@every_write
async def test_a_grant_that_died_before_a_write_parks_it_until_there_is_a_new_one(world: World, write: Write) -> None:
    async with world.working():
        (shop,) = await opened(world, ["revoked"], write)
        await world.http.post(f"/sandbox/accounts/{shop.email}/revoke")
        await world.slotsync.report(shop.met)
        await parked(world)
        await world.connect(shop.merchant, shop.email)
        await tell_connection(world.client, shop.merchant, Granted())
        await world.at_rest([shop.met])
    assert await damages([shop]) == []


@every_write
async def test_a_scope_that_is_missing_at_a_write_parks_it_until_it_is_there(world: World, write: Write) -> None:
    async with world.working():
        (shop,) = await opened(world, ["short-of-a-scope"], write)
        await shop.fault(kind="insufficientPermissions", probability=1)
        await world.slotsync.report(shop.met)
        await parked(world)
        await world.heal()
        await look_again(world)
        await world.at_rest([shop.met])
    assert await damages([shop]) == []


async def parked(world: World) -> None:
    async def parked() -> bool:
        held = "WorkflowType != 'ConnectionWorkflow' AND ExecutionStatus = 'Running' AND SlotsyncHealth = 'parked'"
        return (await world.client.count_workflows(held)).count > 0

    await until(parked)


async def look_again(world: World) -> None:
    """What an operator does: every workflow is called."""
    async for each in world.client.list_workflows("ExecutionStatus = 'Running'"):
        await world.client.get_workflow_handle(each.id).signal("look_again")
