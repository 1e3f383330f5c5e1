"""A reservation: its newest snapshot is written to Google until the reservation is over."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reservations import ReservationActivities
    from activities.signals import CalendarSignals
    from slotsync.domain.health import OUT_OF_REACH, OVERDUE_WRITE, STOPPED, Blocker, Health, distinct, worst
    from slotsync.domain.reservations.messages import (
        BlockedEvent,
        Progress,
        ReportedVersion,
        ReservationKey,
        ReservationState,
        RoundPlan,
        RoundRequest,
        StopRequest,
        Wave,
        WaveResult,
    )
    from slotsync.domain.reservations.schedule import MAX_DEBOUNCE, debounce, priority
    from slotsync.domain.retry_delays import TAKE_UP_MARGIN
    from slotsync.domain.workflow_ids import reservation_id
    from slotsync.temporal.signals import MAX_SIGNALS_PER_RUN
    from workflows.steps.event_writes import write_events
    from workflows.steps.lifecycle import LOCAL_ACTIVITY_TIMEOUT, require_own_id, run_until_stopped
    from workflows.steps.workflow_status import WorkflowStatus

MAX_HISTORY_BYTES = 100_000
"""A longer history is continued as new: one more wave stays below 200 kB, which the UI shows quickly."""


@workflow.defn
class ReservationWorkflow:
    """Keeps Google in step with one reservation. The store holds what is wanted; signals only say when to look."""

    @workflow.init
    def __init__(self, state: ReservationState) -> None:
        self._key = ReservationKey(merchant=state.merchant, reservation=state.reservation)
        self._writes = list(state.writes)
        self._wave = state.wave
        self._max_debounce = MAX_DEBOUNCE
        self._version: int | None = None
        self._planned: int | None = None
        self._newest_reported: int | None = None
        self._changed = False
        self._check = False
        self._signals = 0
        self._stopped: tuple[int | None] | None = None
        """The newest version that was known when the workflow was cancelled, None until then."""
        self._status = WorkflowStatus()

    @workflow.run
    async def run(self, state: ReservationState) -> str:
        """Drive Google towards the newest snapshot until the reservation is over, or an operator cancels this."""
        require_own_id(reservation_id(state.merchant, state.reservation))
        return await run_until_stopped(self._do_rounds(), self._record_stop)

    @workflow.signal
    def report(self, reported: ReportedVersion) -> None:
        """Begin another round, since a report has stored a snapshot. The store is what counts, not the signal.

        A report of the version that is planned already changes nothing: what Google refuses is not begun anew.
        """
        known = reported.version == self._planned
        self._version = reported.version if self._version is None else self._version
        self._newest_reported = max(reported.version, self._newest_reported or reported.version)
        self._count_signal()
        self._changed = self._changed or not (known and workflow.patched("known-version"))

    @workflow.signal
    def look_again(self) -> None:
        """Begin another round, since a possible blocker is gone: there is a calendar, or a grant again."""
        self._count_signal()
        self._changed = True

    @workflow.signal
    def check(self) -> None:
        """Begin another round once nothing is being written: the sweep found that something was not taken up."""
        self._signals += 1
        self._check = True

    @workflow.query
    def progress(self) -> Progress:
        """Return the version that was planned last, else first reported, and what the workflow does now."""
        return Progress(version=self._version, health=self._status.health, doing=self._status.doing)

    async def _do_rounds(self) -> str:
        """Do round after round, in waves, and return why no more is needed."""
        while True:
            await self._debounce()
            plan = await self._plan_round()
            if plan.version is not None:
                blockers = await self._write_wave(plan)
                self._continue_as_new_if_long()
                over = not self._wave and await self._wait_for_change(blockers, plan.closes_at)
            else:
                over = True
            if over and not (self._changed or self._check):
                return f"Closed at version {plan.version}: {plan.closing_reason}"

    async def _debounce(self) -> None:
        """Wait a short time if changes follow each other quickly."""
        if not self._wave and (pause := debounce(self._writes, workflow.now(), self._max_debounce)):
            self._status.set_details("Waiting for further quick changes")
            await workflow.sleep(pause, summary="Combine quick changes into one write")

    async def _plan_round(self) -> RoundPlan:
        """Plan the first wave of a round, or the next one if nothing has changed since the last."""
        if self._changed:
            self._wave = None
        self._changed = self._check = False
        position = {"after": self._wave.after, "version": self._wave.version} if self._wave else {}
        request = RoundRequest(**dict(self._key), now=workflow.now(), **position)
        plan = await workflow.execute_local_activity_method(
            ReservationActivities.plan_round, request, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT
        )
        self._version, self._max_debounce = plan.version, plan.max_debounce
        self._planned = plan.version
        self._status.set_search_attributes(plan.owners, plan.starts_at)
        return plan

    async def _write_wave(self, plan: RoundPlan) -> Sequence[Blocker]:
        """Carry out a wave, record its result, and return what blocks the events of the round so far."""
        if plan.needs_calendars:
            await self._request_calendars()
        blocked = await self._write_events(plan)
        before = self._wave.blockers if self._wave and self._wave.version == plan.version else ()
        blockers = distinct((*before, *plan.blockers, *(each.blocker for each in blocked)))
        if not self._changed:
            await self._record_wave(plan, blocked, blockers)
            self._end_check_if_refused(blocked)
        self._wave = None
        if plan.more and not self._changed:
            assert plan.version is not None
            self._wave = Wave(version=plan.version, after=plan.writes[-1].key, blockers=blockers)
        elif not self._changed:
            state = "held up" if blockers or plan.debts else "over, and not in Google" if plan.given_up else "in step"
            debt = OUT_OF_REACH if plan.debts else None
            self._status.set_health(worst(blockers) or debt, f"Version {plan.version} is {state}")
        return blockers

    async def _request_calendars(self) -> None:
        """Start the workflows of the missing calendars, which signal ``look_again`` when there is a calendar.

        They are not child workflows: other reservations need the calendars, too.
        """
        await workflow.execute_local_activity_method(
            CalendarSignals.request_calendars, self._key, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT
        )

    async def _write_events(self, plan: RoundPlan) -> list[BlockedEvent]:
        if not plan.writes:
            return []
        keys = ", ".join(str(each.key) for each in plan.writes)
        self._status.set_details(f"Writing version {plan.version}: {keys}")
        blocked = await write_events(
            self._key,
            plan,
            priority(plan.starts_at, workflow.now()),
            is_superseded=lambda: self._changed,
            report_overdue=lambda: self._status.set_health(OVERDUE_WRITE, f"Still writing version {plan.version}"),
            note_stop=self._note_stop,
        )
        self._writes = [*self._writes[-7:], workflow.now()]
        return blocked

    def _end_check_if_refused(self, blocked: Sequence[BlockedEvent]) -> None:
        """Answer what the sweep found while events were written: that they are refused, and when they are tried again.

        Another version, or another grant, is found when the wave is recorded.
        """
        refused = any(each.blocker.health is Health.FAILED for each in blocked)
        if self._check and refused and workflow.patched("check-while-refused"):
            self._check = False

    async def _record_wave(self, plan: RoundPlan, blocked: Sequence[BlockedEvent], blockers: Sequence[Blocker]) -> None:
        assert plan.version is not None
        waits = min((each.look_again for each in blockers), default=timedelta())
        changed = await workflow.execute_local_activity_method(
            ReservationActivities.record_wave,
            WaveResult(
                **dict(self._key),
                version=plan.version,
                grant_number=plan.grant_number,
                blocked=tuple(blocked),
                settled=not (blockers or plan.more or plan.given_up),
                debts=plan.debts,
                due_at=workflow.now() + waits + TAKE_UP_MARGIN if blockers or plan.more else None,
                seen_due=plan.seen_due,
                now=workflow.now(),
            ),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )
        self._changed = self._changed or changed

    async def _wait_for_change(self, blockers: Sequence[Blocker], closes_at: datetime | None) -> bool:
        """Wait for a change, for the time to look again, or for the end; return whether the reservation is over."""
        now = workflow.now()
        wakes_at = min((now + blocker.look_again for blocker in blockers), default=closes_at or now)
        if wakes_at > now:
            summary = "Look again at what is held up" if blockers else "Close, a day after the end"
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._changed or self._check, timeout=wakes_at - now, timeout_summary=summary
                )
        return not blockers

    def _note_stop(self) -> None:
        """Note what is known now: what is reported while writes in flight end is newer than the stop."""
        versions = [each for each in (self._version, self._newest_reported) if each is not None]
        self._stopped = self._stopped or (max(versions, default=None),)

    async def _record_stop(self) -> None:
        self._status.set_health(STOPPED, "Stopped by an operator; a report or slotsync resume starts it again")
        self._note_stop()
        assert self._stopped
        await workflow.execute_local_activity_method(
            ReservationActivities.record_stop,
            StopRequest(**dict(self._key), version=self._stopped[0], now=workflow.now()),
            start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT,
        )

    def _continue_as_new_if_long(self) -> None:
        info = workflow.info()
        long = info.is_continue_as_new_suggested() or info.get_current_history_size() > MAX_HISTORY_BYTES
        if long or self._signals >= MAX_SIGNALS_PER_RUN:
            wave = None if self._changed else self._wave
            workflow.continue_as_new(ReservationState(**dict(self._key), writes=tuple(self._writes), wave=wave))

    def _count_signal(self) -> None:
        self._signals += 1
        if self._signals >= MAX_SIGNALS_PER_RUN:
            self._changed = True  # ends the wait or the round, so that the workflow continues as new
