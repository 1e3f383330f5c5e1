"""Every fault that the local Google knows, at every write that slotsync makes."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.faults.faults import SPECIAL_KINDS
from localgoogle.protocol.errors import KNOWN_REASONS
from slotsync.domain.connections.messages import Granted
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.temporal.signals import signal_connection
from starter.client import Slotsync
from tests.support.comparison import calendars_twice, compared
from tests.support.samples import GUIDE, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

NOT_OF_A_WRITE = {"freebusy_error", "lost_push", "quota"}
KINDS = {kind.lower(): kind for kind in sorted((KNOWN_REASONS | SPECIAL_KINDS) - NOT_OF_A_WRITE)}
"""Every kind of fault, by the merchant who meets it."""
SLOW = 0.2

WAITING_CALENDARS = (
    "WorkflowType = 'ManagedCalendarWorkflow' AND ExecutionStatus = 'Running' AND SlotsyncHealth != 'in_step'"
)

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

TIMES = 2
"""Once more than the HTTP library swallows by sending again."""


def each_of(writes: Sequence[Write]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("write", writes, ids=lambda write: write.method)


every_write = each_of(WRITES)
calendar_calls = each_of([write for write in WRITES if not write.before])
event_writes = each_of([write for write in WRITES if write.before])


@dataclass(frozen=True)
class FaultedMerchant:
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

    @property
    def other(self) -> Reservation:
        """One for which the calendars are made before the fault."""
        return snapshot(1, *BOOKED, name="R-0", merchant=self.merchant)

    @property
    def expected(self) -> list[Reservation]:
        """What has to be in Google at the end."""
        return [self.met, self.other] if self.write.before else [self.met]

    async def make_calendars(self) -> None:
        """In real time: who waits for a calendar in flying time would be years away when it is made."""
        await Slotsync(self.world.for_workers, self.world.store, self.world.vault).report(self.other)

    async def reach(self, before: Reservation) -> None:
        await self.world.slotsync.report(before.model_copy(update={"merchant": self.merchant}))

    async def fault(self, **fault: object) -> None:
        await self.world.fault(method=self.write.method, account=self.email, **fault)

    async def damage(self) -> str:
        """What is not as it should be."""
        comparison = await compared(self.world, self.expected, self.email)
        twice = await calendars_twice(self.world, self.email)
        return "" if comparison.perfect and not twice else f"{self.merchant}: {comparison}, twice: {twice}"


async def opened(world: World, merchants: Iterable[str], write: Write) -> list[FaultedMerchant]:
    """Shops that are one snapshot away from the write."""
    shops = [FaultedMerchant(world, merchant, write) for merchant in merchants]
    await asyncio.gather(*(world.open_shop(merchant=shop.merchant, email=shop.email) for shop in shops))
    if before := write.before:
        await asyncio.gather(*(shop.make_calendars() for shop in shops))
        await world.at_rest(shop.other for shop in shops)
        await asyncio.gather(*(shop.reach(before) for shop in shops))
        await world.at_rest(shop.met.model_copy(update={"version": before.version}) for shop in shops)
    return shops


async def meet_faults(shops: Sequence[FaultedMerchant]) -> None:
    """Each shop meets its own fault."""
    for shop in shops:
        kind = KINDS[shop.merchant]
        await shop.fault(kind=kind, count=TIMES, seconds=SLOW if kind == "slow" else 0)
    await asyncio.gather(*(shop.world.slotsync.report(shop.met) for shop in shops))


async def not_met(world: World) -> list[dict[str, object]]:
    """Faults that nobody met."""
    faults = (await world.http.get("/sandbox/faults")).json()["items"]
    return [fault for fault in faults if fault["left"] == TIMES or fault["kind"] != "slow"]


@asynccontextmanager
async def hours_pass_for_calendars(world: World, skipper: TimeSkipper) -> AsyncIterator[None]:
    """Hour after hour for every calendar that waits; their workflows have no end that they could fly to."""

    async def pass_hours() -> None:
        while True:
            waiting = [each.id async for each in world.client.list_workflows(WAITING_CALENDARS)]
            handles = map(world.client.get_workflow_handle, waiting)
            await asyncio.gather(*(skipper.fast_forward(handle, timedelta(hours=1)) for handle in handles))
            await asyncio.sleep(0.1)

    passing = asyncio.create_task(pass_hours())
    try:
        yield
    finally:
        passing.cancel()


async def damages(shops: Iterable[FaultedMerchant]) -> list[str]:
    """What the faults have left behind."""
    return [damage for shop in shops if (damage := await shop.damage())]


@event_writes
async def test_no_fault_of_an_events_write_leaves_anything_missing_extra_doubled_or_wrong(
    flying_world: World, write: Write
) -> None:
    """The hours for which reservations wait fly by."""
    async with flying_world.working():
        shops = await opened(flying_world, KINDS, write)
        await meet_faults(shops)
        await flying_world.at_rest([shop.met for shop in shops])
        assert await not_met(flying_world) == []
    assert await damages(shops) == []


@calendar_calls
async def test_no_fault_while_a_calendar_is_made_leaves_anything_missing_extra_doubled_or_wrong(
    skipping_world: World, skipper: TimeSkipper, write: Write
) -> None:
    async with skipping_world.working():
        shops = await opened(skipping_world, KINDS, write)
        await meet_faults(shops)
        async with hours_pass_for_calendars(skipping_world, skipper):
            await skipping_world.at_rest([shop.met for shop in shops])
        assert await not_met(skipping_world) == []
    assert await damages(shops) == []


@every_write
async def test_a_grant_that_died_before_a_write_parks_it_until_there_is_a_new_one(world: World, write: Write) -> None:
    async with world.working():
        (shop,) = await opened(world, ["revoked"], write)
        await world.http.post(f"/sandbox/accounts/{shop.email}/revoke")
        await world.slotsync.report(shop.met)
        await parked(world)
        await world.connect(shop.merchant, shop.email)
        await signal_connection(world.client, shop.merchant, Granted())
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
