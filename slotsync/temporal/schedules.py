"""The Schedules of the sweep, and of the audits each night."""

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.sweep import SweepRequest
from slotsync.errors import SettingsError
from slotsync.temporal import queues

SWEEP: Final = "slotsync-sweep"
FULL_SWEEP: Final = "slotsync-full-sweep"

SWEEP_INTERVALS: Final = {SWEEP: timedelta(minutes=2), FULL_SWEEP: timedelta(hours=1)}
"""The interval of each: how often due rows are looked for (an indexed query for each table), and how often
everything else is."""

AUDITS: Final = "slotsync-audits"
_AUDITS_AT = ScheduleCalendarSpec(hour=[ScheduleRange(22)], comment="22:00 UTC")
_JITTER = timedelta(hours=1)

_CATCHUP_WINDOW = timedelta(minutes=1)
"""A sweep that was missed is not made up for: the next one finds the same and more."""


INSTANCE: Final = "instance"
"""The memo of a Schedule that names the instance of the workers' database (see ``slotsync.store.instances``)."""


async def ensure_schedules(client: Client, instance: str, *, take_over: bool = False) -> bool:
    """Create the Schedules that are missing; return whether any was, as after the loss of Temporal's database.

    Schedules of another instance are replaced, if this one is to ``take_over``. A new Schedule sweeps at once.

    Raises:
        SettingsError: the namespace works for another instance, and this one is not to take over.
    """
    if await get_instance(client) not in {None, instance}:
        if not take_over:
            raise SettingsError(
                f"SLOTSYNC_DATABASE_URL: Temporal's namespace {client.namespace} works for another database; give all "
                "processes that one, or this one another TEMPORAL_NAMESPACE; if that database is lost for good, "
                "run: slotsync db adopt"
            )
        for name in (*SWEEP_INTERVALS, AUDITS):
            await _delete_schedule(client, name)
    await _ensure_audits(client, instance)
    return any([await _ensure_sweep(client, name, instance) for name in SWEEP_INTERVALS])


async def get_instance(client: Client) -> str | None:
    """Return the instance of the workers' database, or None if no worker has set this server up yet."""
    try:
        described = await client.get_schedule_handle(FULL_SWEEP).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return str(await described.memo_value(INSTANCE, ""))


async def _delete_schedule(client: Client, name: str) -> None:
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


async def trigger_sweep(client: Client) -> None:
    """Begin a full sweep now, unless one is under way."""
    await client.get_schedule_handle(FULL_SWEEP).trigger()


async def _ensure_sweep(client: Client, name: str, instance: str) -> bool:
    action = ScheduleActionStartWorkflow(
        "SweepWorkflow",
        SweepRequest(everything=name == FULL_SWEEP),
        id=name,
        task_queue=queues.WORKFLOWS,
        static_summary="Signal what nobody has taken up",
    )
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=SWEEP_INTERVALS[name])])
    return await _ensure_schedule(client, name, instance, action, spec, at_once=True)


async def _ensure_audits(client: Client, instance: str) -> bool:
    summary = "Start an audit of each managed calendar"
    action = ScheduleActionStartWorkflow(
        "NightlyAudits", id=AUDITS, task_queue=queues.WORKFLOWS, static_summary=summary
    )
    spec = ScheduleSpec(calendars=[_AUDITS_AT], jitter=_JITTER)
    return await _ensure_schedule(client, AUDITS, instance, action, spec, at_once=False)


async def _ensure_schedule(  # noqa: PLR0913  what is started when
    client: Client,
    name: str,
    instance: str,
    action: ScheduleActionStartWorkflow,
    spec: ScheduleSpec,
    *,
    at_once: bool,
) -> bool:
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_CATCHUP_WINDOW)
    schedule = Schedule(action=action, spec=spec, policy=policy)
    try:
        await client.create_schedule(name, schedule, trigger_immediately=at_once, memo={INSTANCE: instance})
    except ScheduleAlreadyRunningError:
        return False
    return True
