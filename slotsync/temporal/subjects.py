"""The subject of a workflow: the key of the row that it is about, by its id, or by its input."""

from collections.abc import Mapping
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.messages import CalendarRequest, SwitchRequest
from slotsync.domain.connections.messages import ConnectionRequest
from slotsync.domain.reservations.messages import ReservationState
from slotsync.domain.workflow_ids import split_workflow_id

Subject = tuple[str, ...]
"""Merchant and reservation, merchant and product, merchant, kind and id of an owner, or the merchant alone."""

_Input = ReservationState | CalendarRequest | ConnectionRequest | ProductKey | SwitchRequest

_INPUTS: Final[Mapping[str, type[_Input]]] = {
    "reservation": ReservationState,
    "calendar": CalendarRequest,
    "connection": ConnectionRequest,
    "availability": ProductKey,
    "switch": SwitchRequest,
}

KINDS: Final = tuple(_INPUTS)
"""The kinds of workflows with a subject; their ids begin with them."""


async def read_subject(client: Client, workflow_id: str) -> tuple[str, Subject] | None:
    """Return kind and subject of a workflow, or None if it is none of ours, or gone by now."""
    kind, names = split_workflow_id(workflow_id)
    if names or kind not in _INPUTS:
        return (kind, names) if kind in _INPUTS else None
    try:
        started = await anext(client.get_workflow_handle(workflow_id).fetch_history_events(page_size=1))
    except RPCError:
        return None
    payloads = started.workflow_execution_started_event_attributes.input.payloads
    (given,) = await client.data_converter.decode(payloads, [_INPUTS[kind]])
    return kind, _subject(given)


def _subject(given: _Input) -> Subject:
    if isinstance(given, ReservationState):
        return given.merchant, given.reservation
    if isinstance(given, CalendarRequest):
        return given.merchant, given.owner.kind.value, given.owner.id
    return (given.merchant, given.product) if isinstance(given, ProductKey) else (given.merchant,)
