"""A reservation: its newest snapshot is written to Google until the reservation is over."""

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
    from slotsync.domain.reservations.schedule import GRACE_PERIOD, debounce, ends_at, priority, starts_at, time_zones
    from slotsync.domain.reservations.snapshot import Reservation
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
    from workflows.steps.event_writes import write_events
    from workflows.steps.workflow_status import WorkflowStatus

_LOCAL_ACTIVITY_TIMEOUT = timedelta(seconds=30)


@workflow.defn
class ReservationWorkflow:
    """Keeps Google in step with one reservation. The newest snapshot wins, whatever arrives in which order."""

    @workflow.init
    def __init__(self, state: ReservationState) -> None:
        self._newest = state.newest
        self._writes = list(state.writes)
        self._changed = False
        self._signals = 0
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, state: ReservationState) -> str:  # noqa: ARG002  Temporal hands it to __init__ and to run
        """Drive Google towards the newest snapshot, round after round, until the reservation is over or cancelled."""
        while True:
            desired = await self._wait_for_snapshot()
            inputs = await self._read_inputs(desired)
            if inputs.newest:
                blockers = await self._write_events(desired, inputs)
                self._continue_as_new_if_long()
                closes_at = _closes_at(desired, inputs)
                over = await self._wait_for_change(blockers, closes_at)
            else:
                over = not self._changed
            if over and not self._changed:
                return f"Closed at version {desired.version}: {_closing_reason(desired, inputs)}"

    @workflow.signal
    def report(self, reservation: Reservation) -> None:
        """Take a snapshot. One that is not newer than the known one changes nothing."""
        self._count_signal()
        if self._newest is None or reservation.version > self._newest.version:
            self._newest = reservation
            self._changed = True

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round, since a possible blocker is gone: there is a calendar, or a grant again."""
        self._count_signal()
        self._changed = True

    @workflow.query
    def progress(self) -> Progress:
        """Return the newest version and what the workflow does now."""
        version = self._newest.version if self._newest else None
        return Progress(version=version, health=self._status.health, doing=self._status.doing)

    async def _wait_for_snapshot(self) -> Reservation:
        """Return the newest snapshot, after a short wait if changes follow each other quickly."""
        await workflow.wait_condition(lambda: self._newest is not None)
        if pause := debounce(self._writes, workflow.now()):
            self._status.set_details("Waiting for further quick changes")
            await workflow.sleep(pause, summary="Combine quick changes into one write")
        self._changed = False
        assert self._newest is not None
        self._status.set_search_attributes(self._newest.owners, starts_at(self._newest))
        return self._newest

    async def _read_inputs(self, desired: Reservation) -> RoundInputs:
        return await workflow.execute_local_activity_method(
            ReservationActivities.read_inputs,
            RoundRequest(reservation=desired, now=workflow.now()),
            start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _write_events(self, desired: Reservation, inputs: RoundInputs) -> Sequence[Blocker]:
        """Carry out the plan, record the result, and return what blocks the rest of it."""
        steps = plan(desired, inputs.applied, inputs.calendars)
        for owner in steps.without_calendar:
            await self._request_calendar(desired.merchant, owner)
        blocked = await self._carry_out(desired, steps.actions)
        without_calendar = blockers_for(steps.without_calendar, steps.without_connection)
        blockers = (*(event.hold for event in blocked), *without_calendar)
        if not self._changed:
            await self._record_result(desired, blocked, settled=not blockers)
            state = "held up" if blockers else "in step"
            self._status.set_health(worst(blockers), f"Version {desired.version} is {state}")
        return blockers

    async def _request_calendar(self, merchant: str, owner: Owner) -> None:
        """Start the calendar's workflow, which signals ``look_again`` when there is a calendar.

        It is not a child workflow: other reservations need the calendar, too.
        """
        await workflow.execute_local_activity_method(
            CalendarSignals.signal_needed,
            CalendarRequest(merchant=merchant, owner=owner),
            start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _carry_out(self, desired: Reservation, actions: Sequence[Action]) -> list[BlockedEvent]:
        if not actions:
            return []
        self._status.set_details(
            f"Writing version {desired.version}: {', '.join(str(action.key) for action in actions)}"
        )
        blocked = await write_events(
            actions,
            priority(starts_at(desired), workflow.now()),
            is_superseded=lambda: self._changed,
            report_overdue=lambda: self._status.set_health(OVERDUE_WRITE, f"Still writing version {desired.version}"),
        )
        self._writes = [*self._writes[-7:], workflow.now()]
        return blocked

    async def _record_result(self, desired: Reservation, blocked: Sequence[BlockedEvent], *, settled: bool) -> None:
        await workflow.execute_local_activity_method(
            ReservationActivities.record_result,
            RoundResult(
                merchant=desired.merchant,
                reservation=desired.id,
                version=desired.version,
                held=tuple(blocked),
                settled=settled,
                now=workflow.now(),
            ),
            start_to_close_timeout=_LOCAL_ACTIVITY_TIMEOUT,
        )

    async def _wait_for_change(self, blockers: Sequence[Blocker], closes_at: datetime) -> bool:
        """Wait for a change, for the time to look again, or for the end; return whether the reservation is over."""
        wakes_at = min((workflow.now() + blocker.look_again for blocker in blockers), default=closes_at)
        wait = wakes_at - workflow.now()
        if wait > timedelta():
            summary = "Look again at what is held up" if blockers else "Close, a day after the end"
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._changed, timeout=wait, timeout_summary=summary)
        return not blockers

    def _continue_as_new_if_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested() or self._signals >= MAX_SIGNALS_PER_RUN:
            workflow.continue_as_new(ReservationState(newest=self._newest, writes=tuple(self._writes)))

    def _count_signal(self) -> None:
        self._signals += 1
        if self._signals >= MAX_SIGNALS_PER_RUN:
            self._changed = True  # ends the wait or the round, so that the workflow continues as new


def _closes_at(desired: Reservation, inputs: RoundInputs) -> datetime:
    """Return when no more change is expected: now if it is cancelled, else a day after its end."""
    ends = None if desired.cancelled else ends_at(desired, time_zones(inputs.calendars))
    return ends + GRACE_PERIOD if ends else workflow.now()


def _closing_reason(desired: Reservation, inputs: RoundInputs) -> str:
    if not inputs.newest:
        return "a newer version is known"
    return "cancelled" if desired.cancelled else "over"
