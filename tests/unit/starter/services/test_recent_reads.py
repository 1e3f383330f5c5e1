"""The same question within half a minute is asked once."""

import asyncio
from datetime import timedelta

import pytest

from starter.services.recent_reads import RecentReads

pytestmark = pytest.mark.anyio


class Google:
    """Counts what it is asked; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked = 0
        self._failures = failures

    async def answer(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self._failures:
            raise ConnectionError
        return self.asked


async def test_a_question_is_asked_once_also_by_many_at_the_same_time() -> None:
    google, reads = Google(), RecentReads()
    assert await asyncio.gather(*(reads.read(("q",), google.answer) for _ in range(9))) == [1] * 9
    assert await reads.read(("q",), google.answer) == 1
    assert await reads.read(("another",), google.answer) == 2


async def test_an_old_answer_is_not_given() -> None:
    google, reads = Google(), RecentReads(timedelta())
    assert [await reads.read(("q",), google.answer) for _ in range(2)] == [1, 2]


async def test_a_failure_is_not_kept() -> None:
    google, reads = Google(failures=1), RecentReads()
    with pytest.raises(ConnectionError):
        await reads.read(("q",), google.answer)
    assert await reads.read(("q",), google.answer) == 2


async def test_a_caller_that_goes_away_takes_no_answer_from_the_others() -> None:
    google, reads = Google(), RecentReads()
    leaving = asyncio.create_task(reads.read(("q",), google.answer))
    staying = asyncio.create_task(reads.read(("q",), google.answer))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 1


async def test_what_is_forgotten_is_asked_anew() -> None:
    google, reads = Google(), RecentReads()
    for question in (("a", 1), ("b", 1)):
        await reads.read(question, google.answer)
    reads.forget(lambda question: question[0] == "a")
    assert await reads.read(("b", 1), google.answer) == 2
    assert await reads.read(("a", 1), google.answer) == 3
