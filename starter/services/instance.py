"""Refuse to work for another instance than the workers': with other keys, or on another database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.clock import utc_now
from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances
from slotsync.temporal.schedules import get_instance

HEAD_START: Final = timedelta(seconds=1)
"""The longest that a call waits for the check before it begins; what is left of the check goes on beside it."""


CHECK_INTERVAL: Final = timedelta(seconds=2)
"""The time between two checks as long as no worker has started, or Temporal does not answer."""

RECHECK_INTERVAL: Final = timedelta(minutes=1)
"""The time for which a check holds: workers may be given other keys, or another database, while a process runs."""


class InstanceCheck:
    """Checks now and then that the workers use the keys and the database of this process."""

    def __init__(
        self, client: Client, store: Store, vault: Vault, recheck_interval: timedelta = RECHECK_INTERVAL
    ) -> None:
        self._client = client
        self._recheck_interval = recheck_interval
        self._instances = Instances(store, vault)
        self._check_again_at = self._begun_at = 0.0
        self._check: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def required(self) -> AsyncIterator[None]:
        """Check it around a call. While Temporal is slow, the check goes on beside the call, and ends after it.

        Raises:
            SettingsError: the workers have other keys, or another database; names the remedy.
        """
        check = await self._begin()
        yield
        await asyncio.shield(check)

    async def require_soon(self) -> None:
        """Check it, as far as Temporal answers within ``HEAD_START``.

        Raises:
            SettingsError: the workers have other keys, or another database; names the remedy.
        """
        await self._begin()

    async def _begin(self) -> "asyncio.Task[None]":
        """Return the check, once it has ended or has had its head start. Calls at the same time share one."""
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self.require())
            self._check.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # perhaps nobody asks
            self._begun_at = monotonic()
        check, left = self._check, self._begun_at + HEAD_START.total_seconds() - monotonic()
        await asyncio.wait([check], timeout=max(left, 0))
        if check.done():
            check.result()
        return check

    async def require(self) -> None:
        """Check that what this process stores reaches the workers.

        Raises:
            SettingsError: it does not, for the workers have other keys, or another database; names the remedy.
        """
        if monotonic() < self._check_again_at:
            return
        keys_fit = await asyncio.to_thread(self._require_keys)
        confirmed = await self._require_database() and keys_fit
        interval = self._recheck_interval if confirmed else CHECK_INTERVAL
        self._check_again_at = monotonic() + interval.total_seconds()

    def _require_keys(self) -> bool:
        self._instances.get_id()
        return self._instances.require_worker_key(utc_now())

    async def _require_database(self) -> bool:
        """Return whether the workers' database is known to be this one, or raise if it is another one."""
        try:
            workers = await get_instance(self._client)
        except RPCError:  # the call itself will say that Temporal does not answer
            return False
        if workers is None:
            return False
        if workers != await asyncio.to_thread(self._instances.get_id):
            raise SettingsError(
                f"SLOTSYNC_DATABASE_URL: the workers of Temporal's namespace {self._client.namespace} use another "
                "database; give all processes the same one, or another TEMPORAL_NAMESPACE"
            )
        return True
