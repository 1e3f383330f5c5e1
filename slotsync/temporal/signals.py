"""Signal workflows; one that does not run is started."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, Literal, TypedDict

from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.messages import AuditRequest, AuditResult, CalendarRequest, SwitchRequest
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.disconnection import DisconnectionResult
from slotsync.domain.connections.messages import ConnectionRequest, ConnectionSignal
from slotsync.domain.messages import Message
from slotsync.domain.reservations.messages import ReportedVersion, ReservationKey, ReservationState
from slotsync.domain.reservations.schedule import starts_at
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.domain.workflow_ids import (
    audit_id,
    availability_id,
    calendar_id,
    connection_id,
    look_id,
    reservation_id,
    switch_id,
)
from slotsync.temporal import queues
from slotsync.temporal.search_attributes import initial_attributes

MAX_SIGNALS_PER_RUN: Final = 2000
"""A workflow that took this many signals continues as new: Temporal's own hint to do so does not count signals, and the
server ends a run at 10,000 of them (temporal issue 10941)."""


MAX_PARALLEL_SIGNALS: Final = 20
"""Signals that one caller sends side by side."""

_FULL: Final = "exceeded workflow execution limit for signal events"
"""The server's words for a run that has had 10,000 signals: its status alone (INVALID_ARGUMENT) means much else."""


class StartOptions(TypedDict):
    """Options to start a workflow with: keyword arguments of ``start_workflow`` and ``WithStartWorkflowOperation``."""

    id: str
    task_queue: str
    search_attributes: TypedSearchAttributes
    static_summary: str


def availability_start_options(merchant: str, product: str) -> StartOptions:
    """Return the options with which every ``ProductAvailabilityWorkflow`` is started."""
    return {
        "id": availability_id(merchant, product),
        "task_queue": queues.WORKFLOWS,
        "search_attributes": initial_attributes(merchant, [Owner.product(product)]),
        "static_summary": f"Availability of {product} of {merchant}",
    }


async def signal_availability(client: Client, merchant: str, product: str) -> None:
    """Signal the product's workflow, which is started if it does not run. The signal is durable when this returns."""
    with _full_runs_as_signalled():
        await client.start_workflow(
            "ProductAvailabilityWorkflow",
            ProductKey(merchant=merchant, product=product),
            start_signal="look_again",
            **availability_start_options(merchant, product),
        )


ReservationSignal = Literal["look_again", "check"]
"""With ``check`` the workflow looks again only once nothing is being written: writes that are being retried go on."""


async def signal_reservation(client: Client, key: ReservationKey, signal: ReservationSignal = "look_again") -> None:
    """Signal a reservation's workflow, which is started if it does not run. The signal is durable when this returns."""
    await _signal_reservation(client, key, signal, (), initial_attributes(key.merchant, ()))


async def signal_report(client: Client, reservation: Reservation) -> None:
    """Signal a reservation's workflow that this version is stored. The signal is durable when this returns."""
    await _signal_reservation(
        client,
        ReservationKey(merchant=reservation.merchant, reservation=reservation.id),
        "report",
        (ReportedVersion(version=reservation.version),),
        initial_attributes(reservation.merchant, reservation.owners, starts_at(reservation)),
    )


async def _signal_reservation(
    client: Client, key: ReservationKey, signal: str, args: Sequence[Message], attributes: TypedSearchAttributes
) -> None:
    with _full_runs_as_signalled():
        await client.start_workflow(
            "ReservationWorkflow",
            ReservationState(merchant=key.merchant, reservation=key.reservation),
            id=reservation_id(key.merchant, key.reservation),
            task_queue=queues.WORKFLOWS,
            start_signal=signal,
            start_signal_args=args,
            search_attributes=attributes,
            static_summary=f"Reservation {key.reservation} of {key.merchant}",
            priority=Priority(fairness_key=fairness_key(key.merchant)),
        )


MAX_FAIRNESS_KEY_BYTES = 64
"""Temporal refuses a longer fairness key."""


def fairness_key(merchant: str) -> str:
    """Return the fairness key of a merchant's own work: its id, as far as that fits."""
    return merchant.encode()[:MAX_FAIRNESS_KEY_BYTES].decode(errors="ignore")


CalendarSignal = Literal["settings_changed", "needed", "look_again", "check"]


async def signal_calendar(client: Client, request: CalendarRequest, signal: CalendarSignal) -> None:
    """Signal a calendar's workflow, which is started if it does not run. The signal is durable when this returns.

    The workflow is given by name, since activities may not import workflows.
    """
    with _full_runs_as_signalled():
        await client.start_workflow(
            "ManagedCalendarWorkflow",
            request,
            id=calendar_id(request.merchant, request.owner),
            task_queue=queues.WORKFLOWS,
            start_signal=signal,
            search_attributes=initial_attributes(request.merchant, [request.owner]),
            static_summary=f"Calendar of {request.merchant} for {request.owner}",
        )


async def start_audit(
    client: Client, request: AuditRequest, delay: timedelta | None = None
) -> WorkflowHandle[Any, AuditResult]:
    """Start to look for drift in an owner's calendar, with a ``delay`` unless that is due anyway.

    Without one, what was begun or waits is begun anew: it is as good later as sooner. What only looks takes the place
    of no audit.
    """
    choose_id = look_id if request.only_looks else audit_id
    policy = WorkflowIDConflictPolicy.USE_EXISTING if delay else WorkflowIDConflictPolicy.TERMINATE_EXISTING
    return await client.start_workflow(
        "DriftAudit",
        request,
        id=choose_id(request.merchant, request.owner),
        task_queue=queues.WORKFLOWS,
        id_conflict_policy=policy,
        start_delay=delay,
        search_attributes=initial_attributes(request.merchant, [request.owner]),
        static_summary=f"Audit of the calendar of {request.merchant} for {request.owner}",
        result_type=AuditResult,
    )


async def signal_switch(client: Client, merchant: str) -> None:
    """Signal the workflow of the merchant's switch, which is started if it does not run; durable when this returns."""
    with _full_runs_as_signalled():
        await client.start_workflow(
            "SyncSwitchWorkflow",
            SwitchRequest(merchant=merchant),
            id=switch_id(merchant),
            task_queue=queues.WORKFLOWS,
            start_signal="switched",
            search_attributes=initial_attributes(merchant, []),
            static_summary=f"Switch of all products and resources of {merchant}",
        )


async def signal_connection(
    client: Client, merchant: str, signal: ConnectionSignal
) -> WorkflowHandle[Any, DisconnectionResult | None]:
    """Signal a connection's workflow, which is started if it does not run. The signal is durable when this returns.

    The workflow is given by name, since activities may not import workflows.
    """
    with _full_runs_as_signalled():
        return await client.start_workflow(
            "ConnectionWorkflow",
            ConnectionRequest(merchant=merchant),
            id=connection_id(merchant),
            task_queue=queues.WORKFLOWS,
            start_signal=signal,
            search_attributes=initial_attributes(merchant, []),
            static_summary=f"Google connection of {merchant}",
            result_type=DisconnectionResult,
        )
    return client.get_workflow_handle(connection_id(merchant), result_type=DisconnectionResult)


@contextmanager
def _full_runs_as_signalled() -> Iterator[None]:
    """Suppress the refusal of a run that takes no more signals: it looks at the store when it handles those it has."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT or _FULL not in error.message:
            raise


def quote_value(text: str) -> str:
    """Return the text as a quoted value for a visibility query, with its quotes escaped."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
