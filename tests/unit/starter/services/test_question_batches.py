"""Questions about one product share their way to Google, and no answer is older than its question."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from slotsync.domain.availability.confirmation import Confirmation, Verdict
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.availability.questions import ConfirmQuestion
from starter.services.question_batches import MAX_IN_FLIGHT, QuestionBatches
from tests.support.interval_samples import interval
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

TOUR = ProductKey(merchant="m", product="tour")
BOAT = ProductKey(merchant="m", product="boat")


class Workflow:
    """Answers questions once it may; ``asked`` are the ids of each batch, ``most`` is how many waited at once.

    ``limits`` are the times that questions allow.
    """

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.limits = set[timedelta]()
        self.may_answer = asyncio.Event()
        self.most = self._waiting = 0

    async def answer(self, _: ProductKey, questions: Sequence[ConfirmQuestion]) -> Mapping[str, Confirmation]:
        self.asked.append([each.id for each in questions])
        self.limits |= {each.within for each in questions}
        self._waiting += 1
        self.most = max(self.most, self._waiting)
        await self.may_answer.wait()
        self._waiting -= 1
        return {each.id: Confirmation(answer=Verdict.YES, checked_at=None, because=each.id) for each in questions}

    async def until_asked(self, *names: str) -> None:
        async def asked() -> bool:
            return [*names] in self.asked

        await until(asked, poll_interval=0.001)


def question(name: str, seconds: int = 1) -> ConfirmQuestion:
    return ConfirmQuestion(id=name, span=interval(0, 1), within=timedelta(seconds=seconds))


@pytest.fixture
def workflow() -> Workflow:
    return Workflow()


@pytest.fixture
def batches(workflow: Workflow) -> QuestionBatches:
    return QuestionBatches(workflow.answer)


def begin(batches: QuestionBatches, *names: str, key: ProductKey = TOUR) -> list["asyncio.Task[Confirmation]"]:
    return [asyncio.create_task(batches.ask(key, question(name))) for name in names]


async def test_questions_of_one_moment_go_together_and_each_gets_its_own_answer(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    workflow.may_answer.set()
    answers = await asyncio.gather(*begin(batches, "a", "b", "c"))
    assert [each.because for each in answers] == ["a", "b", "c"]
    assert workflow.asked == [["a", "b", "c"]]


async def test_a_question_never_joins_a_batch_that_was_asked_already(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    first = begin(batches, "a")
    await workflow.until_asked("a")
    second = begin(batches, "b", "c")
    await workflow.until_asked("b", "c")
    workflow.may_answer.set()
    assert [each.because for each in await asyncio.gather(*first, *second)] == ["a", "b", "c"]


async def test_no_more_batches_than_allowed_wait_for_answers_and_none_is_left(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    waiting = []
    for name in map(str, range(MAX_IN_FLIGHT)):
        waiting += begin(batches, name)
        await workflow.until_asked(name)
    waiting += begin(batches, "x", "y")
    waiting += begin(batches, "z", key=BOAT)
    await workflow.until_asked("z")
    waiting += begin(batches, "late")
    workflow.may_answer.set()
    assert len(await asyncio.gather(*waiting)) == MAX_IN_FLIGHT + 4
    assert workflow.asked[-1] == ["x", "y", "late"]
    assert workflow.most == MAX_IN_FLIGHT + 1, "those of the one product, and one of the other"


async def test_questions_with_other_limits_go_together_and_have_the_time_of_the_longest(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    workflow.may_answer.set()
    asking = [batches.ask(TOUR, question(f"{seconds}", seconds)) for seconds in (2, 12, 1)]
    assert [each.because for each in await asyncio.gather(*asking)] == ["2", "12", "1"]
    assert workflow.asked == [["2", "12", "1"]]
    assert workflow.limits == {timedelta(seconds=12)}


async def test_a_caller_that_goes_away_takes_no_answer_from_the_others(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    gone, stays = begin(batches, "a", "b")
    await workflow.until_asked("a", "b")
    gone.cancel()
    workflow.may_answer.set()
    assert (await stays).because == "b"
    assert gone.cancelled()


async def test_ever_other_limits_do_not_go_round_the_gathering(workflow: Workflow, batches: QuestionBatches) -> None:
    asking = []
    for seconds in range(1, MAX_IN_FLIGHT + 1):
        asking.append(asyncio.create_task(batches.ask(TOUR, question(f"{seconds}", seconds))))
        await workflow.until_asked(f"{seconds}")
    asking += [asyncio.create_task(batches.ask(TOUR, question(f"{seconds}", seconds))) for seconds in range(10, 30)]
    workflow.may_answer.set()
    assert len(await asyncio.gather(*asking)) == MAX_IN_FLIGHT + 20
    assert (len(workflow.asked), workflow.most) == (MAX_IN_FLIGHT + 1, MAX_IN_FLIGHT)


async def test_a_failure_for_which_nobody_waits_any_more_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: ProductKey, __: Sequence[ConfirmQuestion]) -> Mapping[str, Confirmation]:
        await may_fail.wait()
        raise RuntimeError("with somebody's name")

    may_fail = asyncio.Event()
    gone = begin(QuestionBatches(fail), "a")[0]
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    may_fail.set()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert caplog.records == []


async def test_questions_for_which_nobody_waits_any_more_are_not_asked(
    workflow: Workflow, batches: QuestionBatches
) -> None:
    waiting = []
    for name in map(str, range(MAX_IN_FLIGHT)):
        waiting += begin(batches, name)
        await workflow.until_asked(name)
    gone = begin(batches, "too late")[0]
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    workflow.may_answer.set()
    await asyncio.gather(*waiting, *begin(batches, "next"))
    assert ["too late"] not in workflow.asked
    assert workflow.asked[-1][-1] == "next"
