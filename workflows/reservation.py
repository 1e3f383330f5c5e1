"""The life of a reservation: its newest snapshot, driven into Google until it is over."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reservations import ReservationActivities
    from activities.signals import CalendarSignals
    from slotsync.domain.calendars.messages import CalendarRequest
    from slotsync.domain.calendars.owner import Owner
    from slotsync.domain.health import OVERDUE_WRITE, Blocker, worst
    from slotsync.domain.reservations.messages import (
        Action,
        BlockedEvent,
        Progress,
        ReservationState,
        RoundInputs,
        RoundRequest,
        RoundResult,
    )
    from slotsync.domain.reservations.plan import blockers_for, plan
    from slotsync.domain.reservations.schedule import GRACE_PERIOD, debounce, ends_at, priority, starts_at, zones_of
    from slotsync.domain.reservations.snapshot import Reservation
    from workflows.steps.event_writes import carry_out
    from workflows.steps.workflow_status import WorkflowStatus

MAX_SIGNALS_PER_RUN = 2000
"""Temporal's hint to continue as new does not count signals, and ends a run at 10,000 (temporal issue 10941)."""


@workflow.defn
class ReservationWorkflow:
    """Keeps Google in step with one reservation. The newest snapshot wins, whatever arrives in which order."""

    @workflow.init
    def __init__(self, state: ReservationState) -> None:
        self._newest = state.newest
        self._writes = list(state.writes)
        self._news = False
        self._signals = 0
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, state: ReservationState) -> str:  # noqa: ARG002  Temporal hands it to __init__ and to run
        """Drives Google towards the newest snapshot, round after round, until the reservation is over or cancelled."""
        while True:
            desired = await self._take_newest()
            inputs = await self._prepare(desired)
            if inputs.newest:
                holds = await self._drive(desired, inputs)
                self._start_over_if_long()
                closes = _closes(desired, inputs)
                over = await self._wait_for_news(holds, closes)
            else:
                over = not self._news
            if over and not self._news:
                return f"Closed at version {desired.version}: {_why(desired, inputs)}"

    @workflow.signal
    def report(self, reservation: Reservation) -> None:
        """A snapshot; one that is not newer than what is known changes nothing."""
        self._count_signal()
        if self._newest is None or reservation.version > self._newest.version:
            self._newest = reservation
            self._news = True

    @workflow.signal
    def look_again(self) -> None:
        """Something that the reservation may wait for has changed: a calendar is there, a grant is back."""
        self._count_signal()
        self._news = True

    @workflow.query
    def progress(self) -> Progress:
        """What the workflow does now."""
        version = self._newest.version if self._newest else None
        return Progress(version=version, health=self._status.health, doing=self._status.doing)

    async def _take_newest(self) -> Reservation:
        """The newest snapshot; quick changes are first gathered for a moment."""
        await workflow.wait_condition(lambda: self._newest is not None)
        if pause := debounce(self._writes, workflow.now()):
            self._status.set_details("Gathering quick changes")
            await workflow.sleep(pause, summary="Gather quick changes into one write")
        self._news = False
        assert self._newest is not None
        self._status.set_search_attributes(self._newest.owners, starts_at(self._newest))
        return self._newest

    async def _prepare(self, desired: Reservation) -> RoundInputs:
        return await workflow.execute_local_activity_method(
            ReservationActivities.prepare,
            RoundRequest(reservation=desired, now=workflow.now()),
            start_to_close_timeout=timedelta(seconds=30),
        )

    async def _drive(self, desired: Reservation, inputs: RoundInputs) -> Sequence[Blocker]:
        """Carries out the plan; answers with what is held up, and by what."""
        steps = plan(desired, inputs.applied, inputs.calendars)
        for owner in steps.without_calendar:
            await self._ask_for_calendar(desired.merchant, owner)
        held = await self._write(desired, steps.actions)
        holds = (*(event.hold for event in held), *blockers_for(steps.without_calendar, steps.without_connection))
        if not self._news:
            await self._conclude(desired, held, settled=not holds)
            self._status.set_health(worst(holds), f"Version {desired.version} is {'held up' if holds else 'in step'}")
        return holds

    async def _ask_for_calendar(self, merchant: str, owner: Owner) -> None:
        """Its workflow calls ``look_again`` when the calendar is there. Not a child of the first who needed it."""
        await workflow.execute_local_activity_method(
            CalendarSignals.need_calendar,
            CalendarRequest(merchant=merchant, owner=owner),
            start_to_close_timeout=timedelta(seconds=30),
        )

    async def _write(self, desired: Reservation, actions: Sequence[Action]) -> list[BlockedEvent]:
        if not actions:
            return []
        self._status.set_details(
            f"Writing version {desired.version}: {', '.join(str(action.key) for action in actions)}"
        )
        held = await carry_out(
            actions,
            priority(starts_at(desired), workflow.now()),
            superseded=lambda: self._news,
            overdue=lambda: self._status.set_health(OVERDUE_WRITE, f"Still writing version {desired.version}"),
        )
        self._writes = [*self._writes[-7:], workflow.now()]
        return held

    async def _conclude(self, desired: Reservation, held: Sequence[BlockedEvent], *, settled: bool) -> None:
        await workflow.execute_local_activity_method(
            ReservationActivities.conclude,
            RoundResult(
                merchant=desired.merchant,
                reservation=desired.id,
                version=desired.version,
                held=tuple(held),
                settled=settled,
                now=workflow.now(),
            ),
            start_to_close_timeout=timedelta(seconds=30),
        )

    async def _wait_for_news(self, holds: Sequence[Blocker], closes: datetime) -> bool:
        """Waits for news, for the time to look again, or for the end; true when the reservation is over."""
        looks_again = min((workflow.now() + hold.look_again for hold in holds), default=closes)
        wait = looks_again - workflow.now()
        if wait > timedelta():
            summary = "Look again at what is held up" if holds else "Close, a day after the end"
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._news, timeout=wait, timeout_summary=summary)
        return not holds

    def _start_over_if_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN:
            workflow.continue_as_new(ReservationState(newest=self._newest, writes=tuple(self._writes)))

    def _count_signal(self) -> None:
        self._signals += 1
        if self._signals >= MAX_SIGNALS_PER_RUN:
            self._news = True  # ends the wait or the round, so that the run is started over


def _closes(desired: Reservation, inputs: RoundInputs) -> datetime:
    """When nothing more is to be expected: at once when cancelled, else a day after its end."""
    ends = None if desired.cancelled else ends_at(desired, zones_of(inputs.calendars))
    return ends + GRACE_PERIOD if ends else workflow.now()


def _why(desired: Reservation, inputs: RoundInputs) -> str:
    if not inputs.newest:
        return "a newer version is known"
    return "cancelled" if desired.cancelled else "over"
