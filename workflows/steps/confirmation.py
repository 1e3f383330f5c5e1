"""Live looks at a product's calendars: questions that come together share their calls to Google."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.availability import ConfirmationActivities
    from slotsync.domain.availability.confirmation import ConfirmAnswer, ConfirmResult, Verdict
    from slotsync.domain.availability.confirmation_plan import combine_answers, plan_calls
    from slotsync.domain.availability.messages import ConfirmQuestion, ConfirmRequest, ConfirmResults, ProductKey
    from slotsync.temporal import queues
    from slotsync.temporal.signals import fairness_key

_RETRY_POLICY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=1))

_TOGETHER = "confirm-together"
"""The patch id: runs that began without it ask Google for each question alone."""


class LiveLooks:
    """Answers questions about one product. What is asked later than a call was begun gets a call of its own."""

    def __init__(self, key: ProductKey) -> None:
        self._key = key
        self._asked: dict[timedelta, list[ConfirmQuestion]] = {}
        self._answering: dict[timedelta, asyncio.Task[Mapping[str, ConfirmAnswer]]] = {}

    async def confirm(self, question: ConfirmQuestion) -> ConfirmAnswer:
        """Return the answer; unknown if Google does not answer in time."""
        if not workflow.patched(_TOGETHER):
            return (await _answer(self._key, [question]))[question.id]
        within = question.within
        self._asked.setdefault(within, []).append(question)
        if within not in self._answering:
            self._answering[within] = asyncio.create_task(self._answer_all(within))
        return (await self._answering[within])[question.id]

    async def _answer_all(self, within: timedelta) -> Mapping[str, ConfirmAnswer]:
        """Answer what was asked in the same workflow task, for which this waits only once everything has arrived."""
        del self._answering[within]
        return await _answer(self._key, self._asked.pop(within))


async def _answer(key: ProductKey, questions: Sequence[ConfirmQuestion]) -> Mapping[str, ConfirmAnswer]:
    """Return the answers by the ids of their questions, which all allow the same time."""
    requests = plan_calls(key, questions)
    found = await asyncio.gather(*(_ask_google(each, questions[0].within) for each in requests))
    return combine_answers(requests, found)


async def _ask_google(request: ConfirmRequest, within: timedelta) -> ConfirmResults:
    """Return what Google says now; unknown if it does not answer in time."""
    try:
        return await workflow.execute_activity_method(
            ConfirmationActivities.confirm,
            request,
            task_queue=queues.GOOGLE,
            schedule_to_close_timeout=within,
            retry_policy=_RETRY_POLICY,
            priority=Priority(priority_key=1, fairness_key=fairness_key(request.merchant)),
            summary=f"Ask Google whether {request.product} is free",
        )
    except ActivityError:
        because = f"Google did not answer within {within.total_seconds():g} s"
        unknown = ConfirmResult(answer=Verdict.UNKNOWN, checked_at=None, because=because)
        return ConfirmResults(results=(unknown,) * len(request.parts))
