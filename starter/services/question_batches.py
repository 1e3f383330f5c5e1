"""Put questions about one product to its workflow together."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from slotsync.domain.availability.confirmation import Confirmation
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.availability.questions import ConfirmQuestion

MAX_IN_FLIGHT: Final = 4
"""The most batches of one product that wait for answers at once; Temporal takes ten updates of all processes."""

FIRST_GATHERING: Final = timedelta(milliseconds=50)
"""For so long questions are gathered while one batch waits for its answers; twice as long with each further one."""

Answers = Mapping[str, Confirmation]
Ask = Callable[[ProductKey, Sequence[ConfirmQuestion]], Awaitable[Answers]]
"""Return the answers by the ids of their questions. Never raises because of Google or Temporal."""


@dataclass(eq=False)
class _Batch:
    """Questions that are asked together, how many callers still wait for answers, and the task that asks."""

    questions: list[ConfirmQuestion] = field(default_factory=list)
    callers: int = 0
    asking: "asyncio.Task[Answers] | None" = None


def retrieve(ended: "asyncio.Future[Any]") -> None:
    """Take the error of a task for which perhaps nobody waits any more: asyncio would log it, with its texts."""
    if not ended.cancelled():
        ended.exception()


class QuestionBatches:
    """Asks the first question about a product at once, and those that come while it waits together.

    An answer is never older than its question: a batch that was asked takes no more.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._gathering: dict[ProductKey, _Batch] = {}
        self._in_flight = Counter[ProductKey]()
        self._landed = asyncio.Condition()
        self._tasks = set[asyncio.Task[Answers]]()

    async def ask(self, key: ProductKey, question: ConfirmQuestion) -> Confirmation:
        """Return the answer to a question. A batch has the time of the question that allows most."""
        batch = self._gathering.setdefault(key, _Batch())
        batch.questions.append(question)
        if batch.asking is None:
            batch.asking = asyncio.create_task(self._gather_and_ask(key, batch))
            self._tasks.add(batch.asking)
            batch.asking.add_done_callback(self._tasks.discard)
            batch.asking.add_done_callback(retrieve)
        batch.callers += 1
        try:
            # A caller that goes away takes no answer from the others.
            return (await asyncio.shield(batch.asking))[question.id]
        finally:
            batch.callers -= 1

    async def _gather_and_ask(self, key: ProductKey, batch: _Batch) -> Answers:
        if waiting := self._in_flight[key]:
            await asyncio.sleep(FIRST_GATHERING.total_seconds() * 2 ** (waiting - 1))
        async with self._landed:
            await self._landed.wait_for(lambda: self._in_flight[key] < MAX_IN_FLIGHT)
        del self._gathering[key]
        if not batch.callers:
            return {}  # all have run out of time while others were asked
        self._in_flight[key] += 1
        try:
            return await self._ask(key, _allow_longest(batch.questions))
        finally:
            self._in_flight[key] -= 1
            self._in_flight += Counter()  # forgets products of which nothing is in flight
            async with self._landed:
                self._landed.notify_all()


def _allow_longest(questions: Sequence[ConfirmQuestion]) -> Sequence[ConfirmQuestion]:
    """Return the questions with one time limit: who allows less stops waiting by itself."""
    longest = max(each.within for each in questions)
    return [each.model_copy(update={"within": longest}) for each in questions]
