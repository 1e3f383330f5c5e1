"""Questions to Google about a product, and their answers. They stay in the process and in the store.

Processes of former versions still send those that are named so across Temporal's border, where everybody reads them:
nothing of today does (``tests/unit/temporal/test_border.py``).
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from slotsync.domain.availability.confirmation import MAX_CONFIRM_WAIT, ConfirmAnswer, ConfirmResult
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.messages import Message


class ConfirmQuestion(Message):
    """The question whether a product is free in this time; answered after ``within`` at the latest.

    Its parts and their answers are stored under their ids. ``connection_id`` is the merchant's connection, which the
    calls to Google count for; empty if there never was one.
    """

    id: str
    span: Interval  # stored name
    within: Annotated[timedelta, Field(gt=timedelta(), le=MAX_CONFIRM_WAIT)]
    connection_id: str = ""


class ConfirmQuestions(Message):
    """Questions about one product that were asked at about the same time."""

    questions: Annotated[tuple[ConfirmQuestion, ...], Field(min_length=1)]


class ConfirmAnswers(Message):
    """The answers by the ids of their questions."""

    answers: dict[str, ConfirmAnswer]


def part_id(question: str, number: int) -> str:
    """Return the id of a part of a question; the first one has that of the question."""
    return question if number == 1 else f"{question}.{number}"


class QuestionPart(Message):
    """The part of a question's time that one call to Google answers, numbered from 1."""

    question: str
    number: int
    interval: Interval

    @property
    def id(self) -> str:
        """Return the id under which it is stored, with its answer."""
        return part_id(self.question, self.number)


class ConfirmRequest(ProductKey):
    """The interval to read with one call to Google, and the parts of questions that are in it."""

    interval: Interval
    parts: tuple[QuestionPart, ...]


class ConfirmResults(Message):
    """The results for the parts of questions, in their order."""

    results: tuple[ConfirmResult, ...]

    @model_validator(mode="before")
    @classmethod
    def _take_single(cls, value: object) -> object:
        # Histories of former versions hold the result of one question.
        return {"results": [value]} if isinstance(value, dict) and "answer" in value else value
