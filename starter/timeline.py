"""What happened to a reservation, and when: from Temporal's history while it is kept, and from the store."""

import asyncio
from collections.abc import Iterator

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.rules.message import Message
from slotsync.rules.workflow_ids import reservation_id
from slotsync.store import Reservations, Store, SyncedEvent, SyncedEvents
from slotsync.temporal.visibility import quoted
from starter.happening import Happening, Source
from starter.history import HistoryReader

RUNS = 20
"""How many runs are looked at: each late change after a reservation's end begins a new one."""


class Timeline(Message):
    """Everything that is known to have happened to a reservation, the oldest first."""

    merchant: str
    reservation: str
    happenings: tuple[Happening, ...]


class Timelines:
    """Tells what happened to reservations."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._reservations = Reservations(store)
        self._events = SyncedEvents(store)

    async def of(self, merchant: str, reservation: str) -> Timeline | None:
        """The timeline of a reservation; nothing when it is unknown."""
        workflow_id = reservation_id(merchant, reservation)
        told = [each for run in await self._runs(workflow_id) for each in await self._history(workflow_id, run)]
        noted = await asyncio.to_thread(self._noted, merchant, reservation)
        if noted is None and not told:
            return None
        ordered = sorted((*told, *(noted or ())), key=lambda happening: happening.at)
        return Timeline(merchant=merchant, reservation=reservation, happenings=tuple(ordered))

    async def _runs(self, workflow_id: str) -> list[str]:
        """The newest runs. Temporal's list may lag behind by a moment, so the very newest is asked for by itself."""
        listed = self._client.list_workflows(f"WorkflowId = {quoted(workflow_id)}", limit=RUNS)
        runs = [each.run_id async for each in listed]
        try:
            runs.append((await self._client.get_workflow_handle(workflow_id).describe()).run_id)
        except RPCError as error:
            _unless_forgotten(error)
        return list(dict.fromkeys(runs))

    async def _history(self, workflow_id: str, run_id: str) -> list[Happening]:
        """What a run tells; nothing when Temporal has forgotten it by now."""
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            history = await handle.fetch_history()
        except RPCError as error:
            _unless_forgotten(error)
            return []
        return await HistoryReader(self._client.data_converter).read(history.events)

    def _noted(self, merchant: str, reservation: str) -> list[Happening] | None:
        if self._reservations.get(merchant, reservation) is None:
            return None
        return list(_standing(self._events.of_reservation(merchant, reservation)))


def _unless_forgotten(error: RPCError) -> None:
    if error.status is not RPCStatusCode.NOT_FOUND:
        raise error


def _standing(events: list[SyncedEvent]) -> Iterator[Happening]:
    for event in events:
        yield Happening(
            at=event.since,
            what=event.state,
            source=Source.STORE,
            version=event.written_version,
            item=event.key.item,
            owner=str(event.key.owner),
            reason=event.last_error,
        )
