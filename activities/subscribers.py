"""Subscriber activity: signal the workflows that subscribed to a product's changes."""

import asyncio
from typing import Final

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from slotsync.domain.availability.messages import AvailabilityChangedSignal, ProductKey
from slotsync.store.availability.subscribers import Subscribers
from slotsync.store.database.engine import Store

_GONE: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT})
"""Temporal's answers for a workflow that has ended, and for one that has had as many signals as one run may have."""


class SubscriberSignals:
    """Activity that signals ``availability_changed``, about the last publication only."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._subscribers = Subscribers(store)

    @activity.defn
    async def signal_subscribers(self, key: ProductKey) -> int:
        """Signal the subscribers that do not know the last publication; return how many. Forget those that are gone.

        Raises:
            RPCError: some could not be signalled now; all others were.
        """
        number, behind = await asyncio.to_thread(self._subscribers.find_behind, key)
        results = await asyncio.gather(*(self._signal(key, each, number) for each in behind), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result
        return len(behind)

    async def _signal(self, key: ProductKey, workflow_id: str, number: int) -> None:
        signal = AvailabilityChangedSignal(merchant=key.merchant, product=key.product, number=number)
        try:
            await self._client.get_workflow_handle(workflow_id).signal("availability_changed", signal)
        except RPCError as error:
            if error.status not in _GONE:
                raise
            await asyncio.to_thread(self._subscribers.remove, key, workflow_id)
        else:
            await asyncio.to_thread(self._subscribers.record_signalled, key, workflow_id, number)
