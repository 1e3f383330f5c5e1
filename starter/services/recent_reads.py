"""Recent answers of Google, kept for half a minute: open pages ask for the same again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from cachetools import TTLCache

MAX_AGE: Final = timedelta(seconds=30)
MAX_ANSWERS: Final = 1000

Question = tuple[object, ...]
"""A hashable tuple."""

Answer = TypeVar("Answer")


class RecentReads:
    """Answers by their questions; who asks while a question is on its way gets the same answer."""

    def __init__(self, max_age: timedelta = MAX_AGE) -> None:
        self._answers: TTLCache[Question, asyncio.Future[Any]] = TTLCache(MAX_ANSWERS, max_age.total_seconds())

    async def read(self, question: Question, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to this question, not older than half a minute. A failure is not kept."""
        asking = cast("asyncio.Future[Answer] | None", self._answers.get(question))
        if asking is None or (asking.done() and (asking.cancelled() or asking.exception())):
            asking = self._answers[question] = asyncio.ensure_future(ask())
            # Perhaps nobody waits any more when it fails: asyncio would log the error that nobody takes.
            asking.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(asking)

    def forget(self, is_forgotten: Callable[[Question], bool]) -> None:
        """Ask these questions anew the next time."""
        for question in filter(is_forgotten, list(self._answers)):
            self._answers.pop(question, None)
