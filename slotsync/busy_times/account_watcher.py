"""One watcher for each account in a process, however many products need it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from slotsync.busy_times.poller import Poller, PollResult
from slotsync.clock import utc_now
from slotsync.errors import GoogleError
from slotsync.store.availability.watched_accounts import WatchedAccounts

logger = logging.getLogger(__name__)

CHANGE_CHECK_INTERVAL: Final = timedelta(milliseconds=250)
"""The time between two checks for changes of all accounts: Google's notifications, and readings of other processes."""

CHANGE_CHECK_OVERLAP: Final = timedelta(seconds=10)
"""The time by which each check reaches back behind the last one: the clocks of processes differ."""

IDLE_TIMEOUT: Final = timedelta(seconds=5)
"""The time for which an account is polled that no product needs: one that reported a change needs it again at once."""

ERROR_RETRY_DELAY: Final = timedelta(seconds=5)
"""When to poll again after the database or Temporal did not answer."""

_PASSING_ERRORS = (SQLAlchemyError, RPCError, GoogleError, TimeoutError)


class AccountWatcher:
    """The state of one account in a process: its last change, its last reading, and the number of calls.

    ``handled_change_at`` is the time of the account's last change before the last poll began: a newer change may have
    been missed by that poll. ``version`` counts the changes.
    """

    def __init__(self) -> None:
        self.product_count = 0
        self.handled_change_at: datetime | None = None
        self.changed_at: datetime | None = None
        self.poll_requested = asyncio.Event()
        self.version = 0
        self._changed = asyncio.Event()
        self._polled = asyncio.Event()
        self._last_started = self._last_finished = 0
        self._calls = 0
        self._calendars = 0
        self._read_at: datetime | None = None
        self._failure: BaseException | None = None

    def record_start(self) -> None:
        """Record that a poll begins: it serves every request that was made until now."""
        self.poll_requested.clear()
        self._last_started += 1

    def record_result(
        self, result: PollResult, started_at: datetime, handled_change_at: datetime | None, changed_at: datetime | None
    ) -> None:
        """Record what a poll did, and wake all who wait for a change if there is one."""
        self.handled_change_at = handled_change_at
        self._calls += result.calls
        self._calendars = result.calendars or self._calendars
        self._read_at = started_at if result.calls else self._read_at
        if changed_at != self.changed_at:
            self.changed_at = changed_at
            self._report_change()
        self._last_finished = self._last_started
        self._polled.set()
        self._polled = asyncio.Event()

    def record_end(self, task: asyncio.Task[None]) -> None:
        """Record that there will be no more polls, and the exception that ended them (a bug of ours, for example)."""
        self._failure = asyncio.CancelledError() if task.cancelled() else task.exception()
        self._polled.set()
        self._report_change()

    async def wait_for_poll(self) -> None:
        """Return after a poll that begins from now on. Raise the exception that ended the polls, if they ended."""
        wanted = self._last_started + 1
        self.poll_requested.set()
        while self._last_finished < wanted:
            self.raise_failure()
            await self._polled.wait()

    async def wait_for_change(self, version: int, within: timedelta) -> bool:
        """Return whether the account has changed since that version, or changes within this time.

        Raise the exception that ended the polls, if they ended.
        """
        if self.version == version:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), within.total_seconds())
        self.raise_failure()
        return self.version != version

    def raise_failure(self) -> None:
        """Raise the exception that ended the polls, if they ended."""
        if self._failure:
            raise self._failure

    def _report_change(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def __str__(self) -> str:
        read = f"last read {self._read_at:%Y-%m-%d %H:%M:%S} UTC" if self._read_at else "not read by this worker yet"
        return f"{self._calendars} calendars of the account, {read}; {self._calls} calls to Google by this worker"


class AccountWatchers:
    """All accounts that products of this process need, each polled by a task of its own.

    ``polling_threads`` run polls, and wait for Google; ``database_threads`` run what only needs the database, so that
    it never waits for Google.
    """

    def __init__(
        self,
        poller: Poller,
        accounts: WatchedAccounts,
        polling_threads: Executor,
        database_threads: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._poller = poller
        self._accounts = accounts
        self._polling_threads = polling_threads
        self._database_threads = database_threads
        self._clock = clock
        self._watchers: dict[str, AccountWatcher] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._change_check: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self, connection_id: str) -> AsyncIterator[AccountWatcher]:
        """Yield the account's watcher, after a poll that began after this call, and keep it until the block ends."""
        watcher = self._watchers.setdefault(connection_id, AccountWatcher())
        watcher.product_count += 1
        try:
            self._ensure_running(connection_id, watcher)
            await watcher.wait_for_poll()
            yield watcher
        finally:
            watcher.product_count -= 1
            if not watcher.product_count:
                loop, timeout = asyncio.get_running_loop(), IDLE_TIMEOUT.total_seconds()
                loop.call_later(timeout, self._end_if_idle, connection_id, watcher)

    def close(self) -> None:
        """End all polls."""
        for connection_id in list(self._tasks):
            self._end(connection_id)

    def _ensure_running(self, connection_id: str, watcher: AccountWatcher) -> None:
        if connection_id not in self._tasks:
            task = self._tasks[connection_id] = asyncio.create_task(self._run(connection_id, watcher))
            task.add_done_callback(watcher.record_end)
        if self._change_check is None:
            self._change_check = asyncio.create_task(self._check_changes())

    def _end_if_idle(self, connection_id: str, watcher: AccountWatcher) -> None:
        if not watcher.product_count and self._watchers.get(connection_id) is watcher:
            self._end(connection_id)

    def _end(self, connection_id: str) -> None:
        self._tasks.pop(connection_id).cancel()
        del self._watchers[connection_id]
        if not self._watchers and self._change_check:
            self._change_check.cancel()
            self._change_check = None

    async def _run(self, connection_id: str, watcher: AccountWatcher) -> None:
        """Poll whenever a poll is due or something has changed."""
        while True:
            watcher.record_start()
            pause = (await self._poll(connection_id, watcher) - self._clock()).total_seconds()
            with suppress(TimeoutError):
                await asyncio.wait_for(watcher.poll_requested.wait(), max(pause, 0))

    async def _poll(self, connection_id: str, watcher: AccountWatcher) -> datetime:
        """Poll once, and return when to poll again."""
        started_at = self._clock()
        loop = asyncio.get_running_loop()
        try:
            handled = await loop.run_in_executor(self._database_threads, self._accounts.get_last_change, connection_id)
            result = await loop.run_in_executor(self._polling_threads, self._poller.poll, connection_id)
            changed_at = await loop.run_in_executor(
                self._database_threads, self._accounts.get_last_change, connection_id
            )
        except _PASSING_ERRORS as error:
            logger.warning("busy times could not be read: %s; trying again", type(error).__name__)
            return started_at + ERROR_RETRY_DELAY
        watcher.record_result(result, started_at, handled, changed_at)
        return result.next_at

    async def _check_changes(self) -> None:
        """Request a poll of every account that has changed since its last poll began."""
        loop, since = asyncio.get_running_loop(), self._clock()
        while True:
            await asyncio.sleep(CHANGE_CHECK_INTERVAL.total_seconds())
            now = self._clock()
            try:
                changes = await loop.run_in_executor(
                    self._database_threads, self._accounts.get_changes, since - CHANGE_CHECK_OVERLAP
                )
            except SQLAlchemyError:
                continue
            since = now
            for connection_id, changed_at in changes.items():
                watcher = self._watchers.get(connection_id)
                if watcher and watcher.handled_change_at != changed_at:
                    watcher.poll_requested.set()
