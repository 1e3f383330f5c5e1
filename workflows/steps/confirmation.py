"""Ask Google whether a product is free: questions that come together share their calls."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.availability import CONFIRM_RETRY_DELAY, ConfirmationActivities
    from slotsync.domain.availability.confirmation import ConfirmAnswer, ConfirmResult, Verdict
    from slotsync.domain.availability.confirmation_plan import combine_answers, plan_calls
    from slotsync.domain.availability.messages import ConfirmCall, ConfirmCalls, ProductKey
    from slotsync.domain.availability.questions import ConfirmQuestion, ConfirmRequest, ConfirmResults
    from slotsync.temporal import queues
    from slotsync.temporal.queues import google_priority
    from slotsync.temporal.signals import fairness_key

_RETRY_POLICY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=CONFIRM_RETRY_DELAY)


async def make_calls(key: ProductKey, asked: ConfirmCalls) -> None:
    """Make the calls to Google side by side; one without an answer in time leaves none in the store."""
    account = asked.connection_id or fairness_key(key.merchant)
    calls = (ConfirmCall(**dict(key), parts=parts) for parts in asked.calls)
    await asyncio.gather(*(_make_call(each, asked.within, account) for each in calls))


async def _make_call(call: ConfirmCall, within: timedelta, account: str) -> None:
    with suppress(ActivityError):
        await workflow.execute_activity_method(
            ConfirmationActivities.confirm_parts,
            call,
            task_queue=queues.GOOGLE,
            schedule_to_close_timeout=within,
            retry_policy=_RETRY_POLICY,
            priority=google_priority(1, account),
            summary=f"Ask Google whether {call.product} is free",
        )


async def confirm(key: ProductKey, questions: Sequence[ConfirmQuestion]) -> Mapping[str, ConfirmAnswer]:
    """Return the answers by the ids of their questions; unknown if Google does not answer within the shortest time.

    Only processes of former versions ask so.
    """
    within = min(each.within for each in questions)
    requests = plan_calls(key, questions)
    account = questions[0].connection_id or fairness_key(key.merchant)
    found = await asyncio.gather(*(_ask_google(each, within, account) for each in requests))
    return combine_answers(requests, found)


async def _ask_google(request: ConfirmRequest, within: timedelta, account: str) -> ConfirmResults:
    """Return what Google says now; unknown if it does not answer in time. The call counts for this account."""
    try:
        return await workflow.execute_activity_method(
            ConfirmationActivities.confirm,
            request,
            task_queue=queues.GOOGLE,
            schedule_to_close_timeout=within,
            retry_policy=_RETRY_POLICY,
            priority=google_priority(1, account),
            summary=f"Ask Google whether {request.product} is free",
        )
    except ActivityError:
        because = f"Google did not answer within {within.total_seconds():g} s"
        unknown = ConfirmResult(answer=Verdict.UNKNOWN, checked_at=None, because=because)
        return ConfirmResults(results=(unknown,) * len(request.parts))
