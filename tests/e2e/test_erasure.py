"""Drill: a guest and a merchant are erased, by a command that is killed on its way; then everything is searched."""

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.connections.connections import Connections
from slotsync.store.erasures import Erasures
from slotsync.temporal.schedules import trigger_sweep
from slotsync.temporal.signals import signal_availability, signal_reservation
from starter.services.erasure_receipts import ELSEWHERE
from tests.support.commands import SLOTSYNC, bare_environment
from tests.support.database_search import (
    failing_history_deletions,
    find_unreachable_histories,
    read_histories,
    tables_with,
)
from tests.support.exported_histories import export_histories
from tests.support.machine import Machine, machine, world_on
from tests.support.processes import environment_of
from tests.support.samples import item, snapshot
from tests.support.secret_search import found
from tests.support.waiting import until
from tests.support.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1200)]

MERCHANT, EMAIL = "aurora-hikes", "aurora@gmail.example"
NEIGHBOUR, NEIGHBOURS_EMAIL = "harbour-saunas", "harbour@gmail.example"
HIKE, SAUNA = Owner.product("polar-night-hike"), Owner.product("floating-sauna")
ERASED_GUEST, GUEST = "Aurora-Mervi Mökkiläinen", "Aurora-Pekka Pohjola"
PICKED = "Lastenhoito & koulu"
TEMPORALS_TASKS = {"timer_tasks", "transfer_tasks", "tasks_v2", "visibility_tasks"}
"""Temporal's own tables of what it has to do: they name workflows that are gone until that is due."""

MERCHANTS_WORKFLOWS = 5
"""Of two reservations, a product's calendar and availability, and the connection."""


@dataclass(frozen=True)
class Drill:
    """The parts that run, and the command."""

    machine: Machine
    world: World

    async def run(self, *arguments: str) -> str:
        """Run the command to its end, and return what it printed."""
        running = await self.start(*arguments)
        output, errors = await running.communicate()
        assert running.returncode == 0, errors.decode()
        return output.decode()

    async def run_and_kill(self, condition: Callable[[], bool], *arguments: str) -> None:
        """Run the command, and kill it once the condition is true."""
        running = await self.start(*arguments)

        async def met() -> bool:
            return running.returncode is not None or await asyncio.to_thread(condition)

        await until(met, poll_interval=0.01)
        if running.returncode is None:
            running.kill()
        await running.communicate()

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        environment = bare_environment() | environment_of(self.machine.settings, self.machine.client)
        return await asyncio.create_subprocess_exec(
            *SLOTSYNC,
            *arguments,
            cwd=self.machine.folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def report(self, name: str, merchant: str, owner: Owner, guest: str) -> None:
        about = {"title": f"Trip of {guest}", "guest": {"name": guest}, "notes": f"{guest} is allergic"}
        await self.world.slotsync.report(snapshot(1, item(owner.id), name=name, merchant=merchant, **about))
        await self.world.settled(1, name, merchant)

    async def live(self) -> None:
        """Let two merchants have guests, and one of them a calendar that blocks."""
        for merchant, email, owner in ((MERCHANT, EMAIL, HIKE), (NEIGHBOUR, NEIGHBOURS_EMAIL, SAUNA)):
            await self.world.add_merchant(owner, merchant=merchant, email=email)
        await self.report("hike-1", MERCHANT, HIKE, ERASED_GUEST)
        await self.report("hike-2", MERCHANT, HIKE, GUEST)
        await self.report("sauna-1", NEIGHBOUR, SAUNA, "Neighbourly Nora")
        picked = [PickableCalendar(id=EMAIL, name=PICKED)]
        BlockingCalendars(self.world.store, self.world.vault).replace(MERCHANT, HIKE, picked)
        await signal_availability(self.world.client, MERCHANT, HIKE.id)

    def is_disconnected(self) -> bool:
        state = Connections(self.world.store, self.world.vault).get_state(MERCHANT)
        return state is ConnectionState.DISCONNECTED

    def is_deleting(self) -> bool:
        return bool(Erasures(self.world.store).find())

    def has_listed_workflows(self) -> bool:
        return any(each.workflows for each in Erasures(self.world.store).find())

    async def come_late(self) -> None:
        """Send a late signal, which starts a workflow, and sweep until Temporal has deleted that, too."""
        await signal_reservation(self.world.client, ReservationKey(merchant=MERCHANT, reservation="hike-2"))
        await self.swept()

    async def swept(self) -> None:
        """Sweep until Temporal knows nothing of the merchant.

        It lists a workflow a little after its start. A try to delete one that fails is repeated up to 3 minutes later.
        """

        async def is_deleted() -> bool:
            await trigger_sweep(self.world.client)
            return await asyncio.to_thread(self.find_in_temporal) <= TEMPORALS_TASKS

        await until(is_deleted, within=600, poll_interval=1)

    @property
    def temporal_file(self) -> Path:
        return self.machine.folder / "temporal.db"

    def find_in_temporal(self) -> set[str]:
        """Return the tables of Temporal's database that name the merchant, but for histories that are unreachable."""
        unreachable = find_unreachable_histories(self.temporal_file)
        return tables_with(self.temporal_file, MERCHANT, except_of=unreachable)

    async def find_reachable(self, runs: Collection[bytes]) -> list[str]:
        """Return the ids of those of these runs of which Temporal's API hands out a history."""
        started = {
            str(UUID(bytes=run)): history.events[0].workflow_execution_started_event_attributes.workflow_id
            for run, history in read_histories(self.temporal_file, runs).items()
            if history.events
        }
        return [run for run, name in started.items() if await self._has_history(name, run)]

    async def _has_history(self, workflow_id: str, run_id: str) -> bool:
        handle = self.world.client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            return bool((await handle.fetch_history()).events)
        except RPCError as error:
            return error.status is not RPCStatusCode.NOT_FOUND


async def test_nothing_is_left_of_a_guest_and_of_a_merchant_but_what_the_receipt_says(tmp_path: Path) -> None:
    async with machine(tmp_path) as parts:
        await asyncio.gather(parts.google.start(), parts.temporal.start())
        await parts.worker.start()
        async with world_on(parts) as world:
            drill = Drill(parts, world)
            await drill.live()
            await erase_guest(drill)
            await erase_merchant(drill)
            await drill.come_late()
            with failing_history_deletions(drill.temporal_file):
                await drill.come_late()
            unreachable = find_unreachable_histories(drill.temporal_file)
            assert "history_node" in tables_with(drill.temporal_file, MERCHANT), "Temporal gave up, as the receipt says"
            assert await drill.find_reachable(unreachable) == []
            assert not Erasures(world.store).is_anything_stored(MERCHANT)
            assert await world.calendars(EMAIL) == {}
            assert [event["summary"] for event in await world.events(SAUNA, NEIGHBOURS_EMAIL)] == [
                "Trip of Neighbourly Nora"
            ]
            histories = await export_histories(world.client)
            assert not [run for run, text in histories.items() if MERCHANT in run + text]
            assert [run for run in histories if NEIGHBOUR in run]
            world.store.empty_log()
        await parts.temporal.kill()
    people = {each: each for each in (ERASED_GUEST, GUEST, EMAIL, PICKED)}
    assert found(tmp_path, people) == set()
    ids = {each: each for each in ("hike-1", "hike-2", HIKE.id)}
    assert {(each, file) for each, file in found(tmp_path, ids) if file == "slotsync.db"} == set()
    assert tables_with(tmp_path / "slotsync.db", MERCHANT) == {"audit_entry", "erasure"}
    assert drill.find_in_temporal() <= TEMPORALS_TASKS
    assert tables_with(tmp_path / "temporal.db", NEIGHBOUR) >= {"executions", "executions_visibility", "history_node"}


async def erase_guest(drill: Drill) -> None:
    printed = await drill.run("erase", MERCHANT, "--reservation", "hike-1", "--guest", "--yes", "--json")
    assert json.loads(printed)["reservations"] == 1
    exported = await drill.run("export", MERCHANT)
    assert (ERASED_GUEST in exported, GUEST in exported) == (False, True)
    shown = str(await drill.world.events(HIKE, EMAIL))
    assert (ERASED_GUEST in shown, GUEST in shown) == (False, True)


async def erase_merchant(drill: Drill) -> None:
    command = ("erase", MERCHANT, "--google", "--yes", "--json")
    await drill.run_and_kill(drill.is_disconnected, *command)
    await drill.run_and_kill(drill.is_deleting, *command)
    await drill.run_and_kill(drill.has_listed_workflows, *command)
    receipt = json.loads(await drill.run(*command))
    assert receipt["workflows"] >= MERCHANTS_WORKFLOWS
    assert receipt["remains"] == list(ELSEWHERE)
    assert {name: receipt["rows"][name] for name in ("merchant", "owner", "reservation", "connection")} == {
        "merchant": 1,
        "owner": 1,
        "reservation": 2,
        "connection": 1,
    }
