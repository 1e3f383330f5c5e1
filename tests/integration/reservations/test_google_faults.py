"""Every fault that the local Google knows, at every write that slotsync makes."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.faults.faults import SPECIAL_KINDS
from localgoogle.protocol.errors import KNOWN_REASONS
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.temporal.signals import signal_connection
from starter.client import Slotsync
from tests.support.comparison import compared, find_duplicate_calendars
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
MOVED_WITHOUT_GUIDE = (item(day=2),)


@dataclass(frozen=True)
class Write:
    """A call that changes Google, and the snapshots that lead to it: the last one meets the fault."""

    method: str
    before: Reservation | None
    meets: Reservation


CALENDAR_WRITES = (
    Write("calendarList.list", None, snapshot(1, *WITHOUT_GUIDE)),
    Write("calendars.insert", None, snapshot(1, *WITHOUT_GUIDE)),
)
EVENT_WRITES = (
    Write("events.insert", snapshot(1, *WITHOUT_GUIDE), snapshot(2, *BOOKED)),
    Write("events.update", snapshot(2, *BOOKED), snapshot(3, *MOVED)),
    Write("events.delete", snapshot(3, *MOVED), snapshot(4, *MOVED_WITHOUT_GUIDE)),
)
"""Each begins where the one before it ends."""

TIMES = 2
"""Once more than the HTTP library swallows by sending again."""


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
        """The reservation for which the calendars are created before the fault."""
        return snapshot(1, *BOOKED, name="R-0", merchant=self.merchant)

    @property
    def expected(self) -> list[Reservation]:
        """Return the events that have to be in Google at the end."""
        return [self.met, self.other] if self.write.before else [self.met]

    async def make_calendars(self) -> None:
        """Create the calendars in real time: a reservation that waits while time is skipped would be years ahead."""
        await Slotsync(self.world.for_workers, self.world.store, self.world.vault).report(self.other)

    async def reach(self, before: Reservation) -> None:
        await self.world.slotsync.report(before.model_copy(update={"merchant": self.merchant}))

    async def fault(self, **fault: object) -> None:
        await self.world.fault(method=self.write.method, account=self.email, **fault)

    async def damage(self) -> str:
        """Return the differences between Google and the expected state, or an empty text."""
        comparison = await compared(self.world, self.expected, self.email)
        twice = await find_duplicate_calendars(self.world, self.email)
        return "" if comparison.perfect and not twice else f"{self.merchant}: {comparison}, twice: {twice}"


async def open_merchants(world: World, faulted_merchants: Sequence[FaultedMerchant]) -> None:
    """Bring every merchant to the state before its write."""
    await asyncio.gather(
        *(world.add_merchant(merchant=faulted.merchant, email=faulted.email) for faulted in faulted_merchants)
    )
    with_events = [(faulted, faulted.write.before) for faulted in faulted_merchants if faulted.write.before]
    await asyncio.gather(*(faulted.make_calendars() for faulted, _ in with_events))
    await world.at_rest(faulted.other for faulted, _ in with_events)
    await asyncio.gather(*(faulted.reach(before) for faulted, before in with_events))
    await world.at_rest(faulted.met.model_copy(update={"version": before.version}) for faulted, before in with_events)


async def merchants_for_each_write(world: World) -> list[FaultedMerchant]:
    """Return a merchant for each write, in the state before it."""
    writes = (*CALENDAR_WRITES, *EVENT_WRITES)
    faulted_merchants = [FaultedMerchant(world, write.method.lower().replace(".", "-"), write) for write in writes]
    await open_merchants(world, faulted_merchants)
    return faulted_merchants


async def meet_faults(faulted_merchants: Sequence[FaultedMerchant]) -> None:
    """Set each merchant's fault, and report the snapshot that meets it."""
    for faulted in faulted_merchants:
        kind = KINDS[faulted.merchant]
        await faulted.fault(kind=kind, count=TIMES, seconds=SLOW if kind == "slow" else 0)
    await asyncio.gather(*(faulted.world.slotsync.report(faulted.met) for faulted in faulted_merchants))


async def not_met(world: World) -> list[dict[str, object]]:
    """Return the faults that no call has met."""
    faults = (await world.http.get("/sandbox/faults")).json()["items"]
    return [fault for fault in faults if fault["left"] == TIMES or fault["kind"] != "slow"]


@asynccontextmanager
async def hours_pass_for_calendars(world: World, skipper: TimeSkipper) -> AsyncIterator[None]:
    """Skip time hour by hour for every calendar that waits: these workflows have no end that could be skipped to."""

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


async def damages(faulted_merchants: Iterable[FaultedMerchant]) -> list[str]:
    """Return all differences between Google and the expected state."""
    return [damage for faulted in faulted_merchants if (damage := await faulted.damage())]


async def test_no_fault_of_an_events_write_leaves_anything_missing_extra_doubled_or_wrong(
    self_skipping_world: World,
) -> None:
    """The waits of reservations are skipped; the writes follow each other, for all merchants at once."""
    first, *_ = EVENT_WRITES
    faulted_merchants = [FaultedMerchant(self_skipping_world, merchant, first) for merchant in KINDS]
    async with self_skipping_world.working():
        await open_merchants(self_skipping_world, faulted_merchants)
        for write in EVENT_WRITES:
            at_the_write = [replace(faulted, write=write) for faulted in faulted_merchants]
            await meet_faults(at_the_write)
            await self_skipping_world.at_rest([faulted.met for faulted in at_the_write])
            assert await not_met(self_skipping_world) == [], write.method
            assert await damages(at_the_write) == [], write.method
            await self_skipping_world.heal()


@pytest.mark.parametrize("write", CALENDAR_WRITES, ids=lambda write: write.method)
async def test_no_fault_while_a_calendar_is_made_leaves_anything_missing_extra_doubled_or_wrong(
    world_with_skipper: World, skipper: TimeSkipper, write: Write
) -> None:
    faulted_merchants = [FaultedMerchant(world_with_skipper, merchant, write) for merchant in KINDS]
    async with world_with_skipper.working():
        await open_merchants(world_with_skipper, faulted_merchants)
        await meet_faults(faulted_merchants)
        async with hours_pass_for_calendars(world_with_skipper, skipper):
            await world_with_skipper.at_rest([faulted.met for faulted in faulted_merchants])
        assert await not_met(world_with_skipper) == []
    assert await damages(faulted_merchants) == []


async def test_a_grant_that_died_before_a_write_parks_it_until_there_is_a_new_one(world: World) -> None:
    async with world.working():
        faulted_merchants = await merchants_for_each_write(world)
        for faulted in faulted_merchants:
            (await world.http.post(f"/sandbox/accounts/{faulted.email}/revoke")).raise_for_status()
            await world.slotsync.report(faulted.met)
        await until_all_parked(world, faulted_merchants)
        for faulted in faulted_merchants:
            await world.connect(faulted.merchant, faulted.email)
            await signal_connection(world.client, faulted.merchant, "granted")
        await world.at_rest([faulted.met for faulted in faulted_merchants])
    assert await damages(faulted_merchants) == []


async def test_a_scope_that_is_missing_at_a_write_parks_it_until_it_is_there(world: World) -> None:
    async with world.working():
        faulted_merchants = await merchants_for_each_write(world)
        for faulted in faulted_merchants:
            await faulted.fault(kind="insufficientPermissions", probability=1)
            await world.slotsync.report(faulted.met)
        await until_all_parked(world, faulted_merchants)
        await world.heal()
        await look_again(world)
        await world.at_rest([faulted.met for faulted in faulted_merchants])
    assert await damages(faulted_merchants) == []


async def until_all_parked(world: World, faulted_merchants: Iterable[FaultedMerchant]) -> None:
    """Wait until a workflow that writes for each merchant is parked."""
    parked = "WorkflowType != 'ConnectionWorkflow' AND ExecutionStatus = 'Running' AND SlotsyncHealth = 'parked'"

    async def all_parked() -> bool:
        counts = [
            (await world.client.count_workflows(f"{parked} AND SlotsyncMerchant = '{faulted.merchant}'")).count
            for faulted in faulted_merchants
        ]
        return all(counts)

    await until(all_parked)


async def look_again(world: World) -> None:
    """Signal every workflow, as an operator does."""
    async for each in world.client.list_workflows("ExecutionStatus = 'Running'"):
        await world.client.get_workflow_handle(each.id).signal("look_again")
