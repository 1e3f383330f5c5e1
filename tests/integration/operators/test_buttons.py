"""Nothing that an operator does to a workflow loses anything: a table of workflows, states and buttons."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from localgoogle.server import RunningLocalGoogle
from slotsync.clock import utc_now
from slotsync.domain.audit import OPERATOR, AuditAction
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.workflow_ids import availability_id, calendar_id, connection_id, reservation_id
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.disconnections import Disconnections
from slotsync.temporal.search_attributes import HEALTH
from slotsync.temporal.signals import signal_availability, signal_connection
from starter.services.intent import IntentCounts
from tests.support.availability_webhooks import HOUR, TOMORROW
from tests.support.availability_world import open_availability_world
from tests.support.buttons import BUTTONS, has_status
from tests.support.samples import TOUR, settings_of, snapshot
from tests.support.sweeping import sweep
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.world import World

pytestmark = pytest.mark.anyio

CANCELED = WorkflowExecutionStatus.CANCELED
KINDS = {
    "reservation": "reservations",
    "calendar": "calendars",
    "connection": "connections",
    "availability": "products",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A merchant of which one workflow gets one button pressed."""

    world: World
    webhooks: WebhookReceiver
    button: str

    @property
    def merchant(self) -> str:
        return f"m-{self.button.replace(' ', '-')}"

    @property
    def email(self) -> str:
        return f"{self.merchant}@gmail.example"

    async def revoke(self) -> None:
        (await self.world.http.post(f"/sandbox/accounts/{self.email}/revoke")).raise_for_status()

    async def connect(self) -> None:
        await self.world.connect(self.merchant, self.email)
        await signal_connection(self.world.client, self.merchant, "granted")

    async def report(self, version: int) -> None:
        await self.world.slotsync.report(snapshot(version, merchant=self.merchant))

    async def make_busy(self, hours: int) -> None:
        """Create an event by hand in the merchant's own calendar, so many hours after tomorrow's."""
        start = TOMORROW + hours * HOUR
        times = {"start": {"dateTime": start.isoformat()}, "end": {"dateTime": (start + HOUR).isoformat()}}
        address = f"/sandbox/accounts/{self.email}/calendars/{self.email}/events"
        (await self.world.http.post(address, json={"summary": "Dentist", **times})).raise_for_status()

    async def is_told(self, hours: int) -> bool:
        """Return whether the platform was told that the product is busy at this hour, and knows all other times."""
        start = (TOMORROW + hours * HOUR).isoformat().replace("+00:00", "Z")
        messages = [each["data"] for each in self.webhooks.messages_of_type("availability.changed")]
        told: list[Any] = [each for each in messages if each["merchant"] == self.merchant]
        busy = {slot["start"] for each in told for slot in each["slots"] if slot["state"] == "busy"}
        return start in busy and bool(told[-1]["complete"])


Step = Callable[[Stage], Awaitable[None]]
Check = Callable[[Stage], Awaitable[bool]]


def reservation(stage: Stage) -> str:
    return reservation_id(stage.merchant, "R-1")


def calendar(stage: Stage) -> str:
    return calendar_id(stage.merchant, TOUR)


def connection(stage: Stage) -> str:
    return connection_id(stage.merchant)


def availability(stage: Stage) -> str:
    return availability_id(stage.merchant, TOUR.id)


# What happens to a merchant


async def book(stage: Stage) -> None:
    await stage.report(1)
    await stage.world.settled(1, merchant=stage.merchant)


async def watch(stage: Stage) -> None:
    picked = [PickableCalendar(id=stage.email, name="Own")]
    BlockingCalendars(stage.world.store, stage.world.vault).replace(stage.merchant, TOUR, picked)
    await signal_availability(stage.world.client, stage.merchant, TOUR.id)
    await stage.make_busy(0)
    await until(lambda: is_told_first(stage))


async def change(stage: Stage) -> None:
    await stage.report(2)


async def rename(stage: Stage) -> None:
    await stage.world.slotsync.put_owner(stage.merchant, TOUR, settings_of(TOUR, name="Midnight tour"))


async def become_busy(stage: Stage) -> None:
    await stage.make_busy(3)


async def disconnect(stage: Stage) -> None:
    Disconnections(stage.world.store, stage.world.vault).request(stage.merchant, CalendarChoice.DELETE, utc_now())
    await signal_connection(stage.world.client, stage.merchant, "disconnect")


async def lose_grant(stage: Stage) -> None:
    await stage.revoke()
    await stage.report(2)


async def lose_grant_and_rename(stage: Stage) -> None:
    await stage.revoke()
    await rename(stage)


async def reconnect(stage: Stage) -> None:
    await stage.connect()


async def nothing(_: Stage) -> None:
    """Do nothing."""


# What is right in the end


async def is_changed(stage: Stage) -> bool:
    return await stage.world.titles(email=stage.email) == ["v2"]


async def is_renamed(stage: Stage) -> bool:
    return "Midnight tour" in await stage.world.calendars(stage.email)


async def is_disconnected(stage: Stage) -> bool:
    return ConnectionIntents(stage.world.store).plan(stage.merchant).step == "close"


async def is_told_first(stage: Stage) -> bool:
    return await stage.is_told(0)


async def is_told_second(stage: Stage) -> bool:
    return await stage.is_told(3)


@dataclass(frozen=True)
class State:
    """A state of a workflow: the way into it, how an operator knows it, the way out, and what is right in the end."""

    workflow_id: Callable[[Stage], str]
    before: Step
    enter: Step
    known_by: str
    leave: Step
    is_right: Check
    fault: str = ""


STATES = {
    "reservation idle": State(reservation, book, nothing, "in_step", change, is_changed),
    "reservation retrying": State(reservation, book, change, "attempts", nothing, is_changed, "events.update"),
    "reservation parked": State(reservation, book, lose_grant, "parked", reconnect, is_changed),
    "calendar idle": State(calendar, book, nothing, "in_step", rename, is_renamed),
    "calendar retrying": State(calendar, book, rename, "attempts", nothing, is_renamed, "calendars.patch"),
    "calendar parked": State(calendar, book, lose_grant_and_rename, "parked", reconnect, is_renamed),
    "connection idle": State(connection, book, nothing, "in_step", change, is_changed),
    "connection parked": State(connection, book, lose_grant, "parked", reconnect, is_changed),
    "connection disconnecting": State(
        connection, book, disconnect, "attempts", nothing, is_disconnected, "calendars.delete"
    ),
    "availability idle": State(availability, watch, nothing, "in_step", become_busy, is_told_second),
    "availability retrying": State(availability, watch, become_busy, "attempts", nothing, is_told_second, "webhook"),
    "availability parked": State(availability, watch, lose_grant, "parked", reconnect, is_told_first),
}


@pytest.fixture
async def stages(
    local_google: RunningLocalGoogle, vault: Vault, webhooks: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[Sequence[Stage]]:
    """A connected merchant for each button, in one world."""
    async with (
        running_temporal_server() as client,
        open_availability_world(local_google, vault, client, webhooks, tmp_path) as built,
        built.world.working(),
    ):
        stages = [Stage(built.world, webhooks, button) for button in BUTTONS]
        for stage in stages:
            await stage.connect()
            await rename_to(stage, TOUR.id)
        yield stages


@pytest.mark.parametrize("name", STATES)
async def test_nothing_is_lost_by_a_button(name: str, stages: Sequence[Stage]) -> None:
    state, world = STATES[name], stages[0].world
    await each(stages, state.before)
    await set_fault(stages[0], state.fault)
    await each(stages, state.enter)
    await each(stages, lambda stage: until(lambda: is_known_by(stage, state)))
    began = monotonic()
    for stage in stages:
        await BUTTONS[stage.button](world.client, state.workflow_id(stage))
    await until_stopped(stages[0], state)
    await world.heal()
    stages[0].webhooks.heal()
    await each(stages, state.leave)
    await sweep(world, everything=True)
    await world.slotsync.resume(stages[0].merchant)
    for stage in stages:
        await until(partial(state.is_right, stage))
        logger.info("%s, %s: right again after %.1f s", name, stage.button, monotonic() - began)


async def each(stages: Sequence[Stage], step: Step) -> None:
    for stage in stages:
        await step(stage)


async def rename_to(stage: Stage, name: str) -> None:
    await stage.world.slotsync.put_owner(stage.merchant, TOUR, settings_of(TOUR, name=name))


async def set_fault(stage: Stage, fault: str) -> None:
    if fault == "webhook":
        stage.webhooks.fail(503)
    elif fault:
        await stage.world.fault(method=fault, kind="backendError", probability=1)


async def is_known_by(stage: Stage, state: State) -> bool:
    """Return whether the workflow has this health, or retries an activity."""
    described = await stage.world.client.get_workflow_handle(state.workflow_id(stage)).describe()
    if state.known_by == "attempts":
        return any(pending.attempt > 1 for pending in described.raw_description.pending_activities)
    return described.typed_search_attributes.get(HEALTH) == state.known_by


async def until_stopped(cancelled: Stage, state: State) -> None:
    """Wait until the workflow that was cancelled has ended, and check that it is known as stopped."""
    await until(lambda: has_status(cancelled.world.client, state.workflow_id(cancelled), CANCELED))
    counts = IntentCounts(cancelled.world.store, cancelled.world.vault).get(utc_now())
    stopped = {kind: count for kind, _, count, _ in counts if count}
    kind = KINDS[state.workflow_id(cancelled).partition(":")[0]]
    assert stopped == ({} if state.is_right is is_disconnected else {kind: 1})
    entries = AuditLog(cancelled.world.store, cancelled.world.vault).list_entries(cancelled.merchant, 100)
    by = [entry.detail and entry.detail.by for entry in entries if entry.action == AuditAction.WORK_STOPPED]
    assert by == [OPERATOR]
