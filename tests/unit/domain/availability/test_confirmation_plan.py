"""Questions are put to Google with few calls, and each gets the answer for the whole of its time."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotsync.domain.availability.confirmation import (
    Confirmation,
    ConfirmResult,
    Evidence,
    Verdict,
    combine_evidence,
    unknown_confirmation,
)
from slotsync.domain.availability.confirmation_plan import (
    MAX_CALL_DURATION,
    combine_answers,
    combine_confirmations,
    plan_calls,
)
from slotsync.domain.availability.intervals import Interval, intersection, merged, to_bounds
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.availability.questions import ConfirmQuestion, ConfirmRequest, ConfirmResults, QuestionPart
from tests.support.interval_samples import NOON, interval

KEY: Final = ProductKey(merchant="m", product="p")
DAY: Final = timedelta(days=1)
DAYS: Final = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300)), min_size=1, max_size=5)


def days(start: int, end: int) -> Interval:
    return Interval(start=NOON + start * DAY, end=NOON + end * DAY)


def ask(*times: Interval) -> list[ConfirmQuestion]:
    within = timedelta(seconds=1)
    return [ConfirmQuestion(id=f"q{place}", span=each, within=within) for place, each in enumerate(times)]


def parts_of(requests: list[ConfirmRequest], question: str) -> list[QuestionPart]:
    return [part for each in requests for part in each.parts if part.question == question]


@given(DAYS)
def test_the_parts_of_each_question_are_its_time_each_within_a_call_that_google_answers(
    drawn: list[tuple[int, int]],
) -> None:
    questions = ask(*(days(start, start + length) for start, length in drawn))
    requests = plan_calls(KEY, questions)
    for each in requests:
        assert each.interval.end - each.interval.start <= MAX_CALL_DURATION
        within = to_bounds(part.interval for part in each.parts)
        assert intersection(within, [each.interval.bounds]) == merged(within)
    for question in questions:
        parts = parts_of(requests, question.id)
        assert merged(to_bounds(part.interval for part in parts)) == [question.span.bounds]
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))


@pytest.mark.parametrize(
    ("times", "calls"),
    [
        ([days(0, 1)] * 40, 1),
        ([days(0, 1), days(57, 58)], 1),
        ([days(0, 1), days(58, 59)], 2),
        ([days(0, 90)], 2),
        ([days(0, 550)], 10),
        ([days(0, 31), days(400, 401)], 2),
    ],
)
def test_no_more_calls_are_made_than_needed(times: list[Interval], calls: int) -> None:
    assert len(plan_calls(KEY, ask(*times))) == calls


YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("parts", "whole"),
    [([YES, YES], YES), ([YES, NO], NO), ([UNKNOWN, NO], NO), ([YES, UNKNOWN], UNKNOWN), ([NO, NO], NO)],
)
def test_one_busy_part_decides_and_unknown_is_never_free(parts: list[Verdict], whole: Verdict) -> None:
    requests = plan_calls(KEY, ask(days(0, 90)))
    found = [
        ConfirmResults(results=(ConfirmResult(answer=each, checked_at=NOON + place * DAY, because=each.value),))
        for place, each in enumerate(parts)
    ]
    answer = combine_answers(requests, found)["q0"]
    assert (answer.answer, answer.because, answer.parts, answer.checked_at) == (whole, whole.value, 2, NOON)


def test_a_part_that_was_not_read_leaves_the_whole_without_a_time_of_reading() -> None:
    requests = plan_calls(KEY, ask(days(0, 90)))
    read = ConfirmResult(answer=YES, checked_at=NOON, because="free")
    unread = ConfirmResult(answer=UNKNOWN, checked_at=None, because="no answer")
    answer = combine_answers(requests, [ConfirmResults(results=(each,)) for each in (read, unread)])["q0"]
    assert (answer.answer, answer.checked_at) == (UNKNOWN, None)


def test_evidence_of_parts_becomes_one_of_each_calendar_also_of_two_with_one_name() -> None:
    first = [Evidence(calendar="Work", busy=(interval(0, 10),)), Evidence(calendar="Work"), Evidence(calendar="Home")]
    second = [Evidence(calendar="Work", busy=(interval(10, 20),)), Evidence(calendar="Work", error="notFound")]
    second.append(Evidence(calendar="Home", busy=(interval(5, 6),)))
    assert combine_evidence([first, second]) == (
        Evidence(calendar="Work", busy=(interval(0, 20),)),
        Evidence(calendar="Work", error="notFound"),
        Evidence(calendar="Home", busy=(interval(5, 6),)),
    )


def test_answers_of_parts_that_were_stored_become_those_of_their_questions() -> None:
    requests = plan_calls(KEY, ask(days(0, 90), days(10, 11)))
    busy = Evidence(calendar="Work", busy=(interval(0, 10),))
    found = {part: Confirmation(answer=YES, checked_at=NOON, because="free") for part in ("q0", "q0.2", "q1")}
    found["q0.2"] = Confirmation(answer=NO, checked_at=NOON + DAY, because="busy", evidence=(busy,))
    answers = combine_confirmations(requests, found)
    assert answers["q0"] == Confirmation(answer=NO, checked_at=NOON, because="busy", evidence=(busy,))
    assert answers["q1"] == found["q1"]


def test_a_part_that_was_not_read_is_the_error_of_each_calendar_that_has_none_of_its_own() -> None:
    requests = plan_calls(KEY, ask(days(0, 90)))
    busy, broken = Evidence(calendar="Work", busy=(interval(0, 10),)), Evidence(calendar="Home", error="notFound")
    found = {
        "q0": Confirmation(answer=UNKNOWN, checked_at=NOON, because="unknown", evidence=(busy, broken)),
        "q0.2": unknown_confirmation("no answer in time"),
    }
    answer = combine_confirmations(requests, found)["q0"]
    assert answer.evidence == (busy.model_copy(update={"error": "no answer in time"}), broken)
