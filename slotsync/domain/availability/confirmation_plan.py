"""Put questions to Google with as few calls as possible, and put the answers together again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from slotsync.domain.availability.confirmation import (
    ConfirmAnswer,
    Confirmation,
    ConfirmResult,
    Verdict,
    combine_evidence,
)
from slotsync.domain.availability.horizon import MAX_QUERY_DURATION
from slotsync.domain.availability.intervals import Interval, intersection, split_intervals
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.availability.questions import ConfirmQuestion, ConfirmRequest, ConfirmResults, QuestionPart
from slotsync.domain.calendars.owner import MAX_PADDING

MAX_CALL_DURATION: Final = MAX_QUERY_DURATION - 2 * MAX_PADDING
"""The longest time that one call to Google answers, with any padding."""

_DECISIVE_FIRST = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)


def plan_calls(key: ProductKey, questions: Sequence[ConfirmQuestion]) -> list[ConfirmRequest]:
    """Return the requests, each for one call to Google, that together answer all questions about a product."""
    count: dict[str, int] = defaultdict(int)
    calls = split_intervals((each.span for each in questions), MAX_CALL_DURATION)
    return [ConfirmRequest(**dict(key), interval=call, parts=tuple(_parts(questions, call, count))) for call in calls]


def _parts(questions: Sequence[ConfirmQuestion], call: Interval, count: dict[str, int]) -> Iterator[QuestionPart]:
    for question in questions:
        for start, end in intersection([question.span.bounds], [call.bounds]):
            count[question.id] += 1
            yield QuestionPart(question=question.id, number=count[question.id], interval=Interval(start=start, end=end))


def combine_confirmations(
    requests: Sequence[ConfirmRequest], found: Mapping[str, Confirmation]
) -> Mapping[str, Confirmation]:
    """Return the answers by the ids of their questions, from those by the ids of all their parts."""
    parts: dict[str, list[Confirmation]] = defaultdict(list)
    for part in (part for request in requests for part in request.parts):
        parts[part.question].append(found[part.id])
    return {question: _combine_parts(each) for question, each in parts.items()}


def _combine_parts(parts: Sequence[Confirmation]) -> Confirmation:
    whole = _combine(parts)
    evidence = combine_evidence([each.evidence for each in parts])
    unread = next((each.because for each in parts if each.checked_at is None and not each.evidence), "")
    if unread:  # no calendar was read in it: none is told as free there
        evidence = tuple(each if each.error else each.model_copy(update={"error": unread}) for each in evidence)
    return Confirmation(answer=whole.answer, checked_at=whole.checked_at, because=whole.because, evidence=evidence)


def combine_answers(requests: Sequence[ConfirmRequest], found: Sequence[ConfirmResults]) -> Mapping[str, ConfirmAnswer]:
    """Return the answers by the ids of their questions, from what was found with each request of a former version."""
    results: dict[str, list[ConfirmResult]] = defaultdict(list)
    for request, each in zip(requests, found, strict=True):
        for part, result in zip(request.parts, each.results, strict=True):
            results[part.question].append(result)
    return {question: _combine(parts) for question, parts in results.items()}


def _combine(parts: Sequence[ConfirmResult]) -> ConfirmAnswer:
    """Return the answer for a whole time: one busy part decides, and one that is unknown if there is none.

    ``checked_at`` is that of the part that was read first, None if one was not read.
    """
    decisive = min(parts, key=lambda each: _DECISIVE_FIRST.index(each.answer))
    times = [each.checked_at for each in parts if each.checked_at]
    checked_at = min(times) if len(times) == len(parts) else None
    return ConfirmAnswer(answer=decisive.answer, checked_at=checked_at, because=decisive.because, parts=len(parts))
