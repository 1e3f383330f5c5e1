"""Retention activities: drop what is kept no longer, and repeat erasures for what was under way meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.client import Client

from slotsync.domain.sweep import SweepRequest
from slotsync.secrets import Vault
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store
from slotsync.store.erasures import Erasures
from slotsync.store.reservations.retention import Retention
from slotsync.store.webhook_messages import WebhookMessages
from slotsync.temporal.erasure import delete_runs, list_runs, workflows_of

MAX_ROWS_PER_PAGE = 200


class RetentionActivities:
    """Activity of the sweep that forgets.

    ``keep`` is how long contents are kept after a reservation's end, ``keep_messages`` how long messages to the
    platform are after they were accepted.
    """

    def __init__(self, client: Client, store: Store, vault: Vault, keep: timedelta, keep_messages: timedelta) -> None:
        self._client = client
        self._store = store
        self._disconnections = Disconnections(store, vault)
        self._erasures = Erasures(store)
        self._retention = Retention(store, vault)
        self._messages = WebhookMessages(store, vault)
        self._keep = keep
        self._keep_messages = keep_messages

    @activity.defn
    async def forget(self, request: SweepRequest) -> int:
        """Repeat the erasures of the last hours, and with ``everything`` drop what is old; return how much was deleted.

        The record of an erasure is deleted after its last repetition.
        """
        now, deleted = await asyncio.to_thread(self._store.now), 0
        for erasure in await asyncio.to_thread(self._erasures.find):
            activity.heartbeat()
            deleted += await self._repeat(erasure.merchant, erasure.reservation)
        await asyncio.to_thread(self._erasures.forget, now)
        return deleted + (await self._drop_old(now) if request.everything else 0)

    async def _repeat(self, merchant: str, reservation: str | None) -> int:
        rows = await asyncio.to_thread(self._erasures.delete_rows, merchant, reservation)
        runs = await list_runs(self._client, workflows_of(merchant, reservation))
        started = [each.start_time for each in runs]
        await asyncio.to_thread(self._erasures.count_workflows, merchant, reservation, started)
        await delete_runs(self._client, runs)
        return rows + len(runs)

    async def _drop_old(self, now: datetime) -> int:
        """Drop contents and rows that are kept no longer, page by page; return how many."""
        dropped = await _drop_pages(lambda: self._retention.drop_page(now - self._keep, now, MAX_ROWS_PER_PAGE).total)
        dropped += await _drop_pages(
            lambda: self._messages.delete_settled(now - self._keep_messages, MAX_ROWS_PER_PAGE)
        )
        return dropped + await asyncio.to_thread(self._disconnections.forget_account_keys, now)


async def _drop_pages(drop_page: Callable[[], int]) -> int:
    """Drop page after page until there is none; return how much."""
    dropped = 0
    while page := await asyncio.to_thread(drop_page):
        activity.heartbeat()
        dropped += page
    return dropped
