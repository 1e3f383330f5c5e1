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

LOOK: Final = 0.25
"""Seconds between two looks at what is new, one for all accounts: what Google told, what other processes have read."""

OVERLAP: Final = timedelta(seconds=10)
"""How far back each of these looks goes: the clocks of processes differ."""

LINGER: Final = 5.0
"""Seconds for which an account is watched that nobody asks for: a product that has had news asks again at once."""

AFTER_TROUBLE: Final = timedelta(seconds=5)
"""When to try again after the database or Temporal did not answer."""

_TROUBLE = (SQLAlchemyError, RPCError, GoogleError, TimeoutError)


class AccountWatcher:
    """What a process knows of one account: when something was last new, when it read, and with how many calls.

    ``known_at`` is when something was last new before the last turn began: what is newer, that turn may have missed.
    """

    def __init__(self) -> None:
        self.watchers = 0
        self.known_at: datetime | None = None
        self.changed_at: datetime | None = None
        self.bell = asyncio.Event()
        self.version = 0
        self._news = asyncio.Event()
        self._turned = asyncio.Event()
        self._begun = self._done = 0
        self._calls = 0
        self._calendars = 0
        self._read_at: datetime | None = None
        self._failure: BaseException | None = None

    def took(self, turn: PollResult, at: datetime, known_at: datetime | None, changed_at: datetime | None) -> None:
        """Notes a turn, and wakes everybody who waits for news if there are any."""
        self.known_at = known_at
        self._calls += turn.calls
        self._calendars = turn.calendars or self._calendars
        self._read_at = at if turn.calls else self._read_at
        if changed_at != self.changed_at:
            self.changed_at = changed_at
            self._wake()
        self._done = self._begun
        self._turned.set()
        self._turned = asyncio.Event()

    def begin(self) -> None:
        """Notes that a turn begins: it answers everything that was asked until now."""
        self.bell.clear()
        self._begun += 1

    def ended(self, task: asyncio.Task[None]) -> None:
        """Notes that it will have no more turns, for a fault of ours perhaps."""
        self._failure = asyncio.CancelledError() if task.cancelled() else task.exception()
        self._turned.set()
        self._wake()

    async def fresh(self) -> None:
        """Returns after a turn that begins from now on. Raises what ended the watch."""
        wanted = self._begun + 1
        self.bell.set()
        while self._done < wanted:
            self.check()
            await self._turned.wait()

    async def news(self, seen: int, within: float) -> bool:
        """Whether there is news since that version, or comes within so many seconds. Raises what ended the watch."""
        if self.version == seen:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), within)
        self.check()
        return self.version != seen

    def check(self) -> None:
        """Raises what ended the watch."""
        if self._failure:
            raise self._failure

    def _wake(self) -> None:
        self.version += 1
        self._news.set()
        self._news = asyncio.Event()

    def __str__(self) -> str:
        read = f"last read {self._read_at:%Y-%m-%d %H:%M:%S} UTC" if self._read_at else "not read by this worker yet"
        return f"{self._calendars} calendars of the account, {read}; {self._calls} calls to Google by this worker"


class AccountWatchers:
    """Runs the watches that somebody needs.

    ``threads`` carry turns, and wait for Google; ``looks`` carry what only needs the database, and wait for nobody.
    """

    def __init__(
        self,
        reader: Poller,
        accounts: WatchedAccounts,
        threads: Executor,
        looks: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._threads = threads
        self._looks = looks
        self._clock = clock
        self._watches: dict[str, AccountWatcher] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watching(self, connection_id: str) -> AsyncIterator[AccountWatcher]:
        """The account's watch, once it has had a turn that began after this was asked for."""
        watch = self._watches.setdefault(connection_id, AccountWatcher())
        watch.watchers += 1
        try:
            self._ensure_running(connection_id, watch)
            await watch.fresh()
            yield watch
        finally:
            watch.watchers -= 1
            if not watch.watchers:
                asyncio.get_running_loop().call_later(LINGER, self._end_if_idle, connection_id, watch)

    def close(self) -> None:
        """Ends all watches."""
        for connection_id in list(self._running):
            self._end(connection_id)

    def _ensure_running(self, connection_id: str, watch: AccountWatcher) -> None:
        if connection_id not in self._running:
            task = self._running[connection_id] = asyncio.create_task(self._run(connection_id, watch))
            task.add_done_callback(watch.ended)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    def _end_if_idle(self, connection_id: str, watch: AccountWatcher) -> None:
        if not watch.watchers and self._watches.get(connection_id) is watch:
            self._end(connection_id)

    def _end(self, connection_id: str) -> None:
        self._running.pop(connection_id).cancel()
        del self._watches[connection_id]
        if not self._watches and self._listening:
            self._listening.cancel()
            self._listening = None

    async def _run(self, connection_id: str, watch: AccountWatcher) -> None:
        """Turn after turn, each when it is due or something is new."""
        while True:
            watch.begin()
            pause = (await self._turn(connection_id, watch) - self._clock()).total_seconds()
            with suppress(TimeoutError):
                await asyncio.wait_for(watch.bell.wait(), max(pause, 0))

    async def _turn(self, connection_id: str, watch: AccountWatcher) -> datetime:
        at = self._clock()
        loop = asyncio.get_running_loop()
        try:
            known_at = await loop.run_in_executor(self._looks, self._accounts.changed_at, connection_id)
            turn = await loop.run_in_executor(self._threads, self._reader.turn, connection_id)
            changed_at = await loop.run_in_executor(self._looks, self._accounts.changed_at, connection_id)
        except _TROUBLE as error:
            logger.warning("busy times could not be read: %s; trying again", type(error).__name__)
            return at + AFTER_TROUBLE
        watch.took(turn, at, known_at, changed_at)
        return turn.next_at

    async def _listen(self) -> None:
        """Rings for every account of which something is new since its last turn began."""
        loop, since = asyncio.get_running_loop(), self._clock()
        while True:
            await asyncio.sleep(LOOK)
            now = self._clock()
            try:
                new = await loop.run_in_executor(self._looks, self._accounts.changed_since, since - OVERLAP)
            except SQLAlchemyError:
                continue
            since = now
            for connection_id, changed_at in new.items():
                watch = self._watches.get(connection_id)
                if watch and watch.known_at != changed_at:
                    watch.bell.set()
